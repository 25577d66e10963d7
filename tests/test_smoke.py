"""The test from start to page says what is missing; the installation here is a few saved answers."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests import smoke

RATE = {"items": [{"mid": "3.9010"}]}
PAGE = '<link href="/static/app.css?v=1"><img src="/static/icon.png"><main>3,9010</main>'
Answers = dict[str, tuple[int, str, str]]


def html(text: str = PAGE) -> tuple[int, str, str]:
    return 200, "text/html; charset=utf-8", text


def told(value: Any) -> tuple[int, str, str]:
    return 200, "application/json", json.dumps(value)


@pytest.fixture
def answers() -> Answers:
    """What a healthy installation answers, by path."""
    lists = {
        "/health": {"status": "ok"},
        "/jobs": {"items": [{"id": 3, "rows_written": 200}]},
        "/rates": RATE,
        "/gold": {"items": [{"price": "500.00"}]},
        "/signals": {"items": [{"signal": "HOLD"}]},
        "/api/v1/openapi.json": {},
    }
    pages = {path: html() for path in (*smoke.PAGES, "/waluty/USD/")}
    loaded = {"/static/app.css": (200, "text/css", ""), "/static/icon.png": (200, "image/png", "\udc89PNG")}
    return {path: told(value) for path, value in lists.items()} | pages | loaded


@pytest.fixture
def installation(answers: Answers, outgoing: set[tuple[str, int]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = answers.get(self.path.split("?")[0], (404, "text/html", ""))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body.encode(errors="surrogateescape"))

        def log_message(self, *_: Any) -> None:
            """Not here."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        outgoing.add(("127.0.0.1", server.server_port))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_healthy_installation_passes_step_by_step(installation: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.main([installation, "--seconds", "0"]) == 0
    said = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert said == [step.__name__ for step in smoke.STEPS]


BROKEN = {
    "/health": (told({"status": "ill"}), "serves", "ill"),
    "/jobs": (told({"items": []}), "rows_appear", "no rows"),
    "/rates": (told({"items": [{"mid": 3.901}]}), "api_answers", "the mid of USD is 3.901"),
    "/signals": (told({"items": []}), "signals_follow", "no rows"),
    "/waluty/USD/": (html("<main>–</main>"), "pages_draw", "does not show 3,9010"),
    "/krypto/": ((500, "text/html", ""), "pages_draw", "500 text/html, not 200"),
    "/static/app.css": ((404, "text/html", ""), "pages_draw", "/static/app.css: 404"),
    "/metrics": ((200, "text/plain", "http_requests_total 1"), "nothing_leaks", "200 text/plain, not 404"),
}


@pytest.mark.slow
@pytest.mark.parametrize("path", BROKEN)
def test_what_is_not_so_is_named(
    path: str, installation: str, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers[path], step, fault = BROKEN[path]
    assert smoke.main([installation, "--seconds", "0"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{step}: {installation}")
    assert fault in said


@pytest.mark.slow
def test_a_step_is_asked_again_until_it_holds(
    installation: str, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers["/jobs"], later = told({"items": []}), answers["/jobs"]
    monkeypatch.setattr(smoke.time, "sleep", lambda _: answers.update({"/jobs": later}))
    assert smoke.main([installation, "--seconds", "60"]) == 0


@pytest.mark.slow
def test_where_there_is_redis_the_stream_has_to_open(
    installation: str, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [installation, "--seconds", "0", "--stream"]
    answers["/api/v1/stream"] = (503, "application/json", "")
    assert smoke.main(asked) == 1
    assert "stream_opens: " in (said := capsys.readouterr().err)
    assert "503" in said
    answers["/api/v1/stream"] = (200, "text/event-stream", "retry: 3000\n\n")
    assert smoke.main(asked) == 0
