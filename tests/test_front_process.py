"""A web server of two workers: slow clients, streams, a killed worker, and what the workers count together."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import psutil
import pytest

from bench.slow_clients import KINDS, hold, open_at
from tests.processes import environment, free_port, manage, until

pytestmark = pytest.mark.processes

WORKERS = 2
LARGE_FILE = "/static/ninja/swagger-ui-bundle.js"
# Of a started server; the bench holds a thousand of each kind.
CONNECTIONS = 40


class Server:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        env = environment(
            folder,
            DJANGO_SETTINGS_MODULE="tests.front_settings",
            WEB_WORKERS=str(WORKERS),
            ENABLE_METRICS_ENDPOINT="1",
            API_TOKEN="a-token-of-the-tests",
            DB_POOL="1",
        )
        for words in (["migrate", "-v0"], ["sync"]):
            assert manage(*words, env=env).returncode == 0
        self.log = folder / "server.log"
        command = [sys.executable, "-m", "charon.serving", "--port", str(self.port), "--kill-timeout", "2"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)

    def workers(self) -> list[psutil.Process]:
        family = psutil.Process(self.process.pid).children()
        return [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=10).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("front"))
    try:
        until(one.answers)
        until(lambda: len(list((one.folder / "run" / "web").iterdir())) == WORKERS)
        yield one
    finally:
        one.process.terminate()
        one.process.wait(30)


@pytest.fixture(autouse=True)
def reach(server: Server, outgoing: set[tuple[str, int]]) -> None:
    outgoing.add(("127.0.0.1", server.port))


def said(server: Server, words: bytes) -> bytes:
    """What comes back until the connection ends."""
    with closing(socket.create_connection(("127.0.0.1", server.port), 30)) as one:
        one.sendall(words)
        told = b""
        while piece := one.recv(65536):
            told += piece
        return told


@pytest.mark.parametrize("kind", KINDS)
def test_slow_clients_cost_others_nothing_and_are_closed(server: Server, kind: str) -> None:
    words = KINDS[kind] if kind != "slow readers" else KINDS["idle"].replace(b"/static/app.css", LARGE_FILE.encode())
    most = 0  # on a busy machine the first are closed before the last is there
    with ExitStack() as stack:
        for one in hold("127.0.0.1", server.port, words, CONNECTIONS):
            stack.enter_context(closing(one))
            most = max(most, open_at(server.port))
        assert most
        assert server.answers()
        until(lambda: not open_at(server.port))


def test_a_body_that_never_comes_is_told_so(server: Server) -> None:
    told = said(server, b"POST /assets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\nx")
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b'"request_timeout"' in told


def test_three_megabytes_are_refused_before_they_are_sent(server: Server) -> None:
    told = said(server, b"POST /assets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 413 ")
    assert b'"too_large"' in told


@pytest.mark.parametrize("length", ["", "Content-Length: 5\r\n"])
def test_a_body_in_pieces_is_refused_and_nothing_behind_it_is_read(server: Server, length: str) -> None:
    """hyper drops the length beside it. Another request behind the body would be one that a proxy has not seen."""
    head = f"POST /assets HTTP/1.1\r\nHost: localhost\r\n{length}Transfer-Encoding: chunked\r\n\r\n".encode()
    told = said(server, head + b"5\r\nhello\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 411 ")
    assert told.count(b"HTTP/1.1 ") == 1
    assert b'"length_required"' in told


def test_a_client_that_asks_first_is_told_to_go_on_or_to_stop(server: Server) -> None:
    head = b"POST /assets HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: close\r\n"
    assert said(server, head + b"Content-Length: 2\r\n\r\n{}").startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 ")
    assert said(server, head + b"Content-Length: 3000000\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_a_body_reaches_the_view(server: Server) -> None:
    headers = {"Authorization": "Bearer a-token-of-the-tests"}
    response = httpx.post(f"{server.url}/assets", content=b'{"symbol": 7', headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")


def test_pages_files_and_heads_are_those_of_django(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/waluty/z%C5%82/").status_code == 404
        assert client.get("/health", headers={"Host": "elsewhere.example"}).status_code == 400
        file, part = client.get(LARGE_FILE), client.get(LARGE_FILE, headers={"Range": "bytes=0-9"})
        assert len(file.content) == int(file.headers["content-length"]) > 1_000_000
        assert (part.status_code, part.content) == (206, file.content[:10])
        head = client.head(LARGE_FILE)
        assert (head.content, head.headers["content-length"]) == (b"", file.headers["content-length"])
        again = client.get(LARGE_FILE, headers={"If-None-Match": file.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.head("/").headers["content-length"] == str(len(client.get("/").content))


def test_a_stream_ends_with_its_client_and_only_one_runs_in_a_worker(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(20):  # by then each worker has one
            one = stack.enter_context(closing(socket.create_connection(("127.0.0.1", server.port), 30)))
            one.sendall(b"GET /test-stream/endless/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if one.recv(65536).startswith(b"HTTP/1.1 503 "):
                break
        refused = until(lambda: httpx_status(server, "/test-stream/finite/") == 503)
        assert refused
        assert server.answers()
    until((server.folder / "stream.ended").exists)
    until(lambda: httpx_status(server, "/test-stream/finite/") == 200)


def httpx_status(server: Server, path: str) -> int:
    with httpx.stream("GET", server.url + path) as response:
        assert response.status_code == 200 or int(response.headers["retry-after"]) > 0
        return response.status_code


def test_a_stream_that_breaks_off_does_not_look_whole(server: Server) -> None:
    def ask() -> bool:
        try:
            return httpx.get(f"{server.url}/test-stream/broken/").status_code == 200
        except httpx.RemoteProtocolError:
            return False

    assert not ask()


def test_the_workers_count_together(server: Server) -> None:
    for _ in range(12):
        httpx.post(f"{server.url}/gold")
    for _ in range(4):
        text = httpx.get(f"{server.url}/metrics").text
        counted = [line for line in text.splitlines() if 'method="POST"' in line and 'view="gold"' in line]
        assert [float(line.rpartition(" ")[2]) for line in counted] == [12.0]
        assert "charon_source_state{" in text


def test_refusals_are_counted_and_the_log_has_one_line_of_them(server: Server) -> None:
    caller = "192.0.2.7"  # nobody else's: another test may have been refused a moment ago
    for _ in range(12):
        httpx.post(f"{server.url}/rates", content=iter([b"x"]), headers={"X-Forwarded-For": caller})
    text = httpx.get(f"{server.url}/metrics").text
    counted = [line for line in text.splitlines() if 'status="411",view="rates"' in line]
    assert [float(line.rpartition(" ")[2]) for line in counted] == [12.0]
    assert 0 < server.log.read_text().count(f"POST /api/v1/rates 411 to {caller}") <= WORKERS


def test_a_page_is_kept_and_what_is_written_from_outside_is_there_within_moments(server: Server) -> None:
    """By whom it was written does not matter: here by another program, which knows nothing of Charon."""
    url = f"{server.url}/dane/"
    tags = {httpx.get(url).headers["etag"] for _ in range(8)}  # of both workers
    assert len(tags) == 1
    assert all(tag.endswith('.br"') for tag in tags)
    known = httpx.get(url, headers={"If-None-Match": tags.pop()})
    assert (known.status_code, known.content) == (304, b"")
    with closing(sqlite3.connect(server.folder / "charon.sqlite3", timeout=20)) as database:
        database.execute("UPDATE markets_source SET name = 'Bank z innego programu' WHERE code = 'nbp'")
        database.commit()
    until(lambda: all("Bank z innego programu" in httpx.get(url).text for _ in range(8)))
    text = httpx.get(f"{server.url}/metrics").text
    counted = [line for line in text.splitlines() if 'status="304",view="data"' in line]
    assert [float(line.rpartition(" ")[2]) for line in counted] == [1.0]


def test_a_killed_worker_is_replaced(server: Server) -> None:
    before = server.workers()
    assert len(before) == WORKERS
    os.kill(before[0].pid, signal.SIGKILL)
    until(lambda: len(server.workers()) == WORKERS and before[0].pid not in {one.pid for one in server.workers()})
    until(server.answers)


def test_the_soft_limit_of_open_files_is_the_hard_one(server: Server) -> None:
    soft, hard = server.workers()[0].rlimit(psutil.RLIMIT_NOFILE)
    assert soft == hard
