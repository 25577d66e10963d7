"""Telegram, Slack and Discord through Apprise: what goes to the service, what counts as taken, what stays hidden."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import requests
import responses

from signals.alerts.channels import KINDS, apprise_channel
from signals.alerts.channels.channel import Config, Failed, Message

ROOT = Path(__file__).parent.parent
# Those of the services' own documentation, with "planted" in the secret part.
TOKEN = "123456789:AAplanted-ikEwGqDk1xrPAt5ZQbVeJ0000"
PARTS = "T00000000/B00000000/plantedXXXXXXXXXXXXXXXXX"
HOOK = "987654321098765432/planted_Qa-7yZnuoT0xNkYaB3cD4eF5gH6iJ7kL8mN9oP0q"
MESSAGE = Message(
    key="5e0f1a5e-3c0a-5a51-9f36-0d4e8f5a2b11",
    type="alert.fired",
    title="BTC:\nwzrósł",
    text="Kurs wzrósł o 5,2% — gęślą jaźń <b>& *nie* @everyone\nŹródło: NBP",
    incident="rule-7:BTC",
    at=datetime(2026, 11, 20, 11, 30, tzinfo=UTC),
    link="https://charon.example/alerty/1_2_3",
)


class Case(NamedTuple):
    config: Config
    url: str
    ok: dict[str, Any]
    refused: dict[str, Any]
    slow: dict[str, Any]
    limit: int


CASES = {
    "telegram": Case(
        {"token": TOKEN, "chat": "-1001234567890:5"},
        f"https://api.telegram.org/bot{TOKEN}/sendMessage",
        {"json": {"ok": True, "result": {"message_id": 1}}},
        {"json": {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}},
        {
            "json": {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests",
                "parameters": {"retry_after": 9},
            }
        },
        4096,
    ),
    "slack": Case(
        {"webhook": f"https://hooks.slack.com/services/{PARTS}"},
        f"https://hooks.slack.com/services/{PARTS}",
        {"body": "ok"},
        {"body": "invalid_payload"},
        {"body": "rate_limited", "headers": {"Retry-After": "30"}},
        4000,
    ),
    "discord": Case(
        {"webhook": f"https://discord.com/api/webhooks/{HOOK}"},
        f"https://discord.com/api/webhooks/{HOOK}",
        {"status": 204},
        {"json": {"message": "Cannot send an empty message", "code": 50006}},
        {
            "json": {"message": "You are being rate limited.", "retry_after": 9.5, "global": False},
            "headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(2**31)},
        },
        2000,
    ),
}
each = pytest.mark.parametrize("name", CASES)


@pytest.fixture(autouse=True)
def nothing_private_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """As in a running Charon, whose LOG_LEVEL is DEBUG."""
    caplog.set_level(logging.DEBUG)
    levels = {name: logging.getLogger(name).level for name in ("apprise", "urllib3")}
    assert all(level >= logging.INFO for level in levels.values()), "settings.LOGGING"
    yield
    assert "planted" not in caplog.text


@pytest.fixture
def never_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(seconds: float) -> None:
        pytest.fail(f"it slept {seconds} s")

    monkeypatch.setattr(time, "sleep", sleep)


def send(name: str, message: Message = MESSAGE, config: Config | None = None) -> int:
    return KINDS[name].send(config or CASES[name].config, message)


def failure(name: str) -> Failed:
    with pytest.raises(Failed) as caught:
        send(name)
    told = caught.value
    assert told.__suppress_context__ or told.__context__ is None
    assert "planted" not in str(told)
    assert (told.status, told.retry_after, told.gone) == (0, None, False), "Apprise tells neither"
    return told


def shown(answers: responses.RequestsMock) -> tuple[str, str, dict[str, Any]]:
    """What people see of the one message that went out, title and text, and the whole body."""
    assert len(answers.calls) == 1
    body = json.loads(str(answers.calls[0].request.body))
    if "attachments" in body:
        return body["attachments"][0]["title"], body["attachments"][0]["text"], body
    title, _break, text = (body.get("text") or body["content"]).partition("\r\n")
    return title, text.replace("\r\n", "\n"), body


@each
@pytest.mark.usefixtures("never_asleep")
def test_a_message_goes_to_the_service_once_with_its_polish_letters(
    name: str, nothing_through_requests: responses.RequestsMock
) -> None:
    nothing_through_requests.post(CASES[name].url, **CASES[name].ok)
    assert send(name) == 0
    title, text, _body = shown(nothing_through_requests)
    assert title.removeprefix("<b>").removesuffix("</b>") == "BTC: wzrósł"
    assert "Kurs wzrósł o 5,2% — gęślą jaźń" in text
    assert text.endswith(f"\nŹródło: NBP\n{MESSAGE.link}")


def test_each_service_takes_the_text_as_a_text(nothing_through_requests: responses.RequestsMock) -> None:
    said = {}
    for name, case in CASES.items():
        nothing_through_requests.post(case.url, **case.ok)
        send(name)
        said[name] = shown(nothing_through_requests)
        nothing_through_requests.calls.reset()
    assert "&lt;b&gt;&amp; *nie* @everyone" in said["telegram"][1]
    assert said["telegram"][2]["chat_id"] == -1001234567890
    assert said["telegram"][2]["message_thread_id"] == 5
    assert "&lt;b&gt;&amp; *nie* @everyone" in said["slack"][1]
    assert said["slack"][2]["mrkdwn"] is False
    assert r"<b>& \*nie\* @" + "\u200beveryone" in said["discord"][1]
    assert "github.com" not in str(said), "pictures of Apprise's own"


@each
@pytest.mark.parametrize(("status", "answer"), [(400, "refused"), (429, "slow"), (500, "refused"), (302, "refused")])
@pytest.mark.usefixtures("never_asleep")
def test_what_a_service_does_not_take_may_be_tried_again(
    name: str, status: int, answer: str, nothing_through_requests: responses.RequestsMock
) -> None:
    case = CASES[name]
    nothing_through_requests.post(case.url, **{**getattr(case, answer), "status": status})
    failed = failure(name)
    assert not failed.final
    assert "nie przyjęła" in str(failed)


@each
@pytest.mark.parametrize("error", [requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError])
def test_a_service_that_cannot_be_reached_may_be_tried_again(
    name: str, error: type[Exception], nothing_through_requests: responses.RequestsMock
) -> None:
    nothing_through_requests.post(CASES[name].url, body=error(f"HTTPSConnectionPool: {CASES[name].url}"))
    assert not failure(name).final


@each
def test_the_timeouts_leave_time_within_a_try(name: str, nothing_through_requests: responses.RequestsMock) -> None:
    nothing_through_requests.post(CASES[name].url, **CASES[name].ok)
    send(name)
    assert nothing_through_requests.calls[0].request.req_kwargs["timeout"] == (3, 10)  # type: ignore[attr-defined]


@each
def test_a_redirect_takes_the_token_nowhere(name: str, nothing_through_requests: responses.RequestsMock) -> None:
    location = {"Location": "http://127.0.0.1:8000/admin/"}
    nothing_through_requests.post(CASES[name].url, status=307, headers=location)
    failure(name)
    hosts = {urlsplit(call.request.url or "").hostname for call in nothing_through_requests.calls}
    assert hosts == {urlsplit(CASES[name].url).hostname}
    assert len(nothing_through_requests.calls) == 1


@each
def test_a_long_message_is_cut_to_what_the_service_takes_and_keeps_its_link(
    name: str, nothing_through_requests: responses.RequestsMock
) -> None:
    nothing_through_requests.post(CASES[name].url, **CASES[name].ok)
    send(name, MESSAGE._replace(title="📈 " * 200, text="📈 ż\n*" * 3000))
    title, text, body = shown(nothing_through_requests)
    units = len(f"{title}\r\n{text}".removeprefix("<b>").encode("utf-16-le")) // 2
    assert CASES[name].limit - 300 < units <= CASES[name].limit
    assert text.endswith(f"…\n{MESSAGE.link}")
    assert "�" not in str(body)


@each
def test_a_message_without_a_text_is_its_title(name: str, nothing_through_requests: responses.RequestsMock) -> None:
    nothing_through_requests.post(CASES[name].url, **CASES[name].ok)
    send(name, MESSAGE._replace(text="", link=""))
    assert "BTC: wzrósł" in "".join(shown(nothing_through_requests)[:2])


def test_an_urgent_message_has_another_colour_in_slack(nothing_through_requests: responses.RequestsMock) -> None:
    nothing_through_requests.post(CASES["slack"].url, body="ok")
    for critical in (False, True):
        send("slack", MESSAGE._replace(critical=critical))
    bodies = [json.loads(str(call.request.body)) for call in nothing_through_requests.calls]
    assert len({body["attachments"][0]["color"] for body in bodies}) == 2


@pytest.mark.parametrize(
    ("name", "webhook"),
    [
        ("slack", PARTS), ("slack", f" https://hooks.slack.com/services/{PARTS}/ "), ("discord", HOOK),
        ("discord", f"https://discordapp.com/api/webhooks/{HOOK}"),
        ("discord", f"https://discord.com/api/v10/webhooks/{HOOK}/"),
    ],
)  # fmt: skip
def test_a_webhook_is_taken_as_it_is_shown_and_in_its_parts(
    name: str, webhook: str, nothing_through_requests: responses.RequestsMock
) -> None:
    nothing_through_requests.post(CASES[name].url, **CASES[name].ok)
    assert KINDS[name].check({"webhook": webhook}) == {}
    send(name, config={"webhook": webhook})


@pytest.mark.parametrize(
    ("name", "changes", "wrong"),
    [
        ("telegram", {"token": "planted"}, "token"), ("telegram", {"chat": "me and you"}, "chat"),
        ("telegram", {"token": f"{TOKEN}/x?cto=99"}, "token"), ("telegram", {"chat": "@ab"}, "chat"),
        ("slack", {"webhook": f"https://hooks.slack.com.example.net/services/{PARTS}"}, "webhook"),
        ("slack", {"webhook": f"https://127.0.0.1/services/{PARTS}"}, "webhook"),
        ("slack", {"webhook": f"{PARTS}/general"}, "webhook"), ("slack", {"webhook": "xoxb-1234-planted"}, "webhook"),
        ("discord", {"webhook": f"https://evil.example/api/webhooks/{HOOK}"}, "webhook"),
        ("discord", {"webhook": f"{HOOK}?template=file:///etc/passwd"}, "webhook"),
    ],
)  # fmt: skip
def test_any_other_shape_is_refused_before_anything_is_sent(name: str, changes: Config, wrong: str) -> None:
    config = {**CASES[name].config, **changes}
    assert KINDS[name].check(CASES[name].config) == {}
    assert list(KINDS[name].check(config)) == [wrong]
    with pytest.raises(Failed) as caught:
        send(name, config=config)
    assert caught.value.final
    assert "planted" not in str(caught.value) + KINDS[name].target(config)


@each
def test_what_apprise_raises_is_kept_from_the_log(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import apprise

    def breaks(*_: Any, **__: Any) -> Any:
        raise RuntimeError("planted")

    monkeypatch.setattr(apprise.Apprise, "notify", breaks)
    assert not failure(name).final


@each
@pytest.mark.parametrize("status", ["PARTIAL", "NOMATCH", "TIMEOUT", "FAILURE"])
def test_success_alone_counts_as_sent(name: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import apprise

    result = apprise.AppriseResult(apprise.AppriseResultStatus[status])
    monkeypatch.setattr(apprise.Apprise, "notify", lambda *_, **__: result)
    failure(name)


def test_channels_that_hang_take_no_other_channels_turn(
    nothing_through_requests: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many that they would fill the threads that Apprise has for all of them, 32 at most."""
    over = threading.Event()

    def hang(_: Any) -> tuple[int, dict[str, str], str]:
        over.wait(5)
        return 204, {}, ""

    nothing_through_requests.add_callback("POST", CASES["discord"].url, hang)
    nothing_through_requests.post(CASES["slack"].url, body="ok")
    with monkeypatch.context() as patch:
        patch.setattr(apprise_channel, "SECONDS", 0.001)
        assert {str(failure("discord")) for _ in range(33)} == {"Usługa nie odpowiada"}
    assert send("slack") == 0
    over.set()
    for thread in threading.enumerate():
        if thread.name.startswith("apprise"):
            thread.join()


@each
def test_without_the_package_the_form_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    found = KINDS[name].check(CASES[name].config)
    assert list(found.values()) == ["Ten kanał wymaga pakietu Apprise; instaluje go polecenie make channels"]
    assert set(found) <= {field.name for field in KINDS[name].fields}
    failed = failure(name)
    assert "make channels" in str(failed)
    assert not failed.final, "it may be installed before the next try"


@pytest.mark.slow
def test_no_level_of_the_log_shows_what_apprise_and_urllib3_write(tmp_path: Path) -> None:
    script = (
        "import charon.wsgi, sys, logging as l; assert not {'apprise', 'requests'} & set(sys.modules);"
        "print([l.getLogger(n).getEffectiveLevel() >= l.INFO for n in ('x', 'apprise', 'urllib3.connectionpool')])"
    )
    environment = os.environ | {"DATA_DIR": str(tmp_path), "ENV_FILE": os.devnull, "LOG_LEVEL": "DEBUG"}
    environment["DJANGO_SETTINGS_MODULE"] = "charon.settings"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "[False, True, True]\n", done.stderr
