"""`manage.py live` as a process: where it serves, how it ends, and a real Redis that restarts or hangs."""

import asyncio
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import redis

from charon.api import sse_hub
from charon.api.addresses import STREAM
from charon.api.sse_hub import Hub
from markets.redis.live_events import CHANNEL
from tests import test_live
from tests.processes import MANAGE, environment, free_port, manage, until
from tests.servers import Redis, redis_server
from tests.test_live import RATES, SIGNALS, message

with_redis = test_live.with_redis  # for every test here too


class Process:
    """`manage.py live`."""

    def __init__(self, folder: Path, **changes: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "live.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*MANAGE, "live"],
                env=environment(folder, LIVE_PORT=str(self.port), **changes),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(lambda: self.process.poll() is not None or self.answers())
        assert self.process.poll() is None, self.log.read_text()

    def answers(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0

    def redis(self) -> str:
        return str(httpx.get(f"{self.url}/health").json()["redis"])

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(10)


@pytest.fixture
def start(tmp_path: Path, outgoing: set[tuple[str, int]]) -> Iterator[Callable[..., Process]]:
    begun: list[Process] = []

    def begin(**changes: str) -> Process:
        begun.append(Process(tmp_path, **changes))
        outgoing.add(("127.0.0.1", begun[-1].port))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()
        one.process.wait()


@pytest.mark.processes
def test_the_process_serves_says_where_and_ends_in_order(start: Callable[..., Process]) -> None:
    process = start()
    assert process.redis() == "off"
    answer = httpx.get(process.url + STREAM)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert not [name for name in answer.headers if name.startswith("access-control") or name == "server"]
    assert process.end() == 0
    said, refusal = process.log.read_text().splitlines()
    assert said == f"Charon live: {process.url}{STREAM}"
    assert refusal.endswith("GET of live 503")


@pytest.mark.processes
def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = manage("live", env=environment(tmp_path, LIVE_PORT=str(port)))
    assert done.returncode == 1
    assert done.stderr == (
        f"CommandError: Port {port} of 127.0.0.1: Address already in use. Choose another with LIVE_PORT=...\n"
    )


# With a real Redis


@pytest.fixture
def server(outgoing: set[tuple[str, int]]) -> Iterator[Redis]:
    with redis_server() as one:
        outgoing.add(("127.0.0.1", one.port))
        yield one


def events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """(event, data) as a browser would read them."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: ")


@pytest.mark.services
def test_listeners_hear_redis_survive_its_restart_and_are_sent_home_at_the_end(
    start: Callable[..., Process], server: Redis
) -> None:
    process = start(REDIS_URL=server.url, REDIS_PREFIX="x:")
    until(lambda: process.redis() == "ok")
    with httpx.stream("GET", process.url + STREAM, timeout=60) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        coming = events(answer.iter_lines())
        server.cli("PUBLISH", "live.events", message(b'"not ours"').decode())
        assert server.cli("PUBLISH", "x:live.events", message(b"1").decode()) == "1"
        assert next(coming) == (RATES, "1")
        server.stop()
        until(lambda: process.redis() == "away")
        assert httpx.get(process.url + STREAM).status_code == 503
        server.start()
        assert next(coming) == ("lost", "{}")
        assert server.cli("PUBLISH", "x:live.events", message(name=SIGNALS).decode()) == "1"
        assert next(coming) == (SIGNALS, "{}")
        assert process.end() == 0
        assert list(coming) == []
    assert process.log.read_text().count("WARNING charon.api.sse_hub") == 1
    assert "ERROR" not in process.log.read_text()


@pytest.mark.services
def test_a_client_that_takes_nothing_holds_up_neither_the_others_nor_the_end(
    start: Callable[..., Process], server: Redis
) -> None:
    process = start(REDIS_URL=server.url)
    until(lambda: process.redis() == "ok")
    with socket.create_connection(("127.0.0.1", process.port)) as mute, redis.Redis.from_url(server.url) as client:
        mute.sendall(f"GET {STREAM} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        until(lambda: httpx.get(f"{process.url}/health").json()["listeners"] == 1)
        before = psutil.Process(process.process.pid).memory_info().rss
        with httpx.stream("GET", process.url + STREAM, timeout=60) as answer:
            coming = events(answer.iter_lines())
            for number in range(30):
                with client.pipeline(transaction=False) as pipe:
                    for _ in range(1000):
                        pipe.publish(CHANNEL, message(b'"%s"' % (b"x" * 1000)))
                    pipe.publish(CHANNEL, message(b"%d" % number, name=SIGNALS))
                    pipe.execute()
                while next(coming) != (SIGNALS, str(number)):
                    pass
        assert psutil.Process(process.process.pid).memory_info().rss - before < 10_000_000  # of 30 MB
        assert process.end() == 0
    assert "Traceback" not in process.log.read_text()


@pytest.mark.services
def test_a_redis_that_hangs_is_noticed(server: Redis, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = server.url
    monkeypatch.setattr(sse_hub, "PING_SECONDS", 0.2)
    monkeypatch.setattr(sse_hub, "CONNECT_SECONDS", 0.2)

    async def scene() -> list[str]:
        hub = Hub()
        follower = asyncio.create_task(hub.follow())
        seen = []
        async with asyncio.timeout(10):
            await waits(lambda: hub.up)
            seen.append(hub.refusal())
            server.freeze()
            await waits(lambda: not hub.up)
            seen.append(hub.refusal())
            server.thaw()
            await waits(lambda: hub.up)
            seen.append(hub.refusal())
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)
        return seen

    async def waits(question: Callable[[], bool]) -> None:
        while not question():
            await asyncio.sleep(0.01)

    assert asyncio.run(scene()) == ["", "Redis cannot be listened to at the moment", ""]
