"""The cast and the walls of every test: nothing leaves this process unless the test named where it may go."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import responses
import stamina

from markets import clock, journal
from markets.models import Job, Source
from miner import http, sources
from tests import replica as nbp_replica


class Leak(AssertionError):
    """A test called somebody it had not named."""


@pytest.fixture(autouse=True)
def outgoing(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, int]]:
    """Every connection is refused but those to the addresses that a test puts into this set."""
    allowed: set[tuple[str, int]] = set()
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and tuple(address)[:2] not in allowed:
            raise Leak(f"a test called {address}")
        connect(self, address)

    def guarded_resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in {name for name, _ in allowed} | {None, "", "0.0.0.0"}:
            raise Leak(f"a test looked {host} up")
        return resolve(host, port, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)
    return allowed


@pytest.fixture(autouse=True)
def nothing_through_requests() -> Iterator[None]:
    """Packages of others may bring `requests`: whatever leaves through it is refused."""
    with responses.RequestsMock():
        yield


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Tries follow each other at once; how long they would wait is tested where it is the question."""
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)
    http.new_client.cache_clear()


@pytest.fixture
def replica(outgoing: set[tuple[str, int]], settings: Any) -> Iterator[nbp_replica.Replica]:
    """The NBP of 26 October 2026, the last day that the figures reach, on this machine."""
    with nbp_replica.serve(today=date(2026, 10, 26)) as server:
        outgoing.add(("127.0.0.1", int(server.url.split(":")[2].split("/")[0])))
        settings.NBP_BASE_URL = server.url
        yield server
        http.client().close()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the clock: `at("2026-10-26 12:00")` in Warsaw."""

    def travel(text: str) -> None:
        moment = datetime.fromisoformat(text).replace(tzinfo=clock.WARSAW).astimezone(UTC)
        monkeypatch.setattr(clock, "now", lambda: moment)

    return travel


@pytest.fixture
def nbp(db: None) -> Source:
    sources.sync()
    return Source.objects.get(code="nbp")


@pytest.fixture
def archive(nbp: Source) -> Source:
    return Source.objects.get(code="nbp_archive")


@pytest.fixture
def job(nbp: Source) -> Job:
    """A running job of the NBP to write figures with."""
    return journal.start("nbp.A", nbp, Job.Trigger.COMMAND)
