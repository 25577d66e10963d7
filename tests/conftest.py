"""The fixtures of all tests; no connection leaves the process unless the test allows its address."""

import gc
import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import responses
import stamina
from django.conf import settings
from django_redis import get_redis_connection
from pytest_django import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware

from charon import request_ids
from charon.api import health
from charon.logs import OncePerCause
from markets import clock
from markets.jobs import runs
from markets.models import Job, Source
from markets.network.environment import AUTHORITY_FILE, AUTHORITY_FOLDERS, KEY_LOG
from miner.fetch import guarded, http
from signals import rules
from tests import installations, synced
from tests import replica as nbp_replica
from tests.forgotten import forget


class Leak(AssertionError):
    """A test connected to an address that it had not allowed."""


def pytest_collection_finish() -> None:
    """What is loaded now stays to the end: no full collection need walk through it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Whoever has to look for a fault may have the same order once more."""
    seed = config.getoption("randomly_seed", default=None)
    if exitstatus and seed is not None:
        terminalreporter.write_line(f"In this order again: --randomly-seed={seed}")


@pytest.fixture(autouse=True)
def outgoing(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, int]]:
    """The addresses that the test may connect to; every other connection is refused."""
    allowed = {redis_address()} if settings.REDIS_URL else set[tuple[str, int]]()
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and tuple(address)[:2] not in allowed:
            raise Leak(f"a test called {address}")
        connect(self, address)

    def guarded_resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in {name for name, _ in allowed} | {None, "", "0.0.0.0"}:
            raise Leak(f"a test looked {host} up")
        return resolve(host, port, *args, **kwargs)

    monkeypatch.setattr(guarded, "origins", set())  # of the rows of another test
    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)
    return allowed


def redis_address() -> tuple[str, int]:
    parts = urlsplit(settings.REDIS_URL)
    return parts.hostname or "127.0.0.1", parts.port or 6379


@pytest.fixture(scope="session", autouse=True)
def redis_of_the_run() -> Iterator[None]:
    """The tests empty their Redis again and again: it must not hold the keys of others."""
    if not settings.REDIS_URL:
        yield
        return
    client = get_redis_connection("default")
    if keys := client.dbsize():
        pytest.exit(f"TEST_REDIS_URL: the tests would delete {keys} keys there; name an empty database", 2)
    yield
    client.flushdb()


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once() -> Iterator[None]:
    """Every client of a test would look through the folders of all apps again: 190 files, 12 ms."""
    look, found = WhiteNoiseMiddleware.add_files_from_finders, dict[str, Any]()

    def remember(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", remember)
        yield


@pytest.fixture(scope="session", autouse=True)
def authorities_read_once() -> Iterator[None]:
    """Every client would read the certificates of all authorities again: 15 ms. Those of a test's own are read."""
    read = httpx.create_ssl_context
    usual = read(trust_env=False)

    def remember(*args: Any, **named: Any) -> ssl.SSLContext:
        own = args or named or any(os.environ.get(name) for name in (AUTHORITY_FILE, AUTHORITY_FOLDERS, KEY_LOG))
        return read(*args, **named) if own else usual

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx, "create_ssl_context", remember)
        yield


@pytest.fixture(autouse=True)
def empty_cache(outgoing: set[tuple[str, int]]) -> None:
    """Each test begins with empty caches in Redis and in memory, and without knowing whether Redis answers."""
    forget()


@pytest.fixture(autouse=True)
def health_as_it_is_now() -> Iterator[None]:
    """Tests change the world and ask at once; those of the second for which `/health` is kept switch this off."""
    with pytest.MonkeyPatch.context() as patch:  # of its own: a test may undo its own patches
        patch.setattr(health, "KEPT_SECONDS", 0.0)
        patch.setattr(health, "kept", health.Kept())
        yield


@pytest.fixture(autouse=True)
def working_for_nobody() -> Iterator[None]:
    """A worker keeps the id of its last task; a test that runs one would leave it to the next test."""
    with request_ids.working_for(""):
        yield


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    """A cause that another test has logged would be left out here, or come with the number of times."""
    for handler in logging.getLogger().handlers:
        for once in handler.filters:
            if isinstance(once, OncePerCause):
                once.told.clear()


@pytest.fixture(autouse=True)
def no_beats() -> None:
    """The tests of one process share a DATA_DIR: a queue that beat in another test is not alive here."""
    for beat in Path(settings.DATA_DIR).glob("run/*.beat"):
        beat.unlink()


@pytest.fixture(autouse=True)
def macd_alone() -> Iterator[None]:
    """The registry has the rule that these tests speak of: one that is added later must not break them.

    `tests/test_rules_laws.py` asks every rule of the registry; `tests/test_saved.py` keeps the registry as it is.
    """
    with pytest.MonkeyPatch.context() as patch:  # of its own: a test may undo its own patches
        patch.setattr(rules, "RULES", {"macd_cross": rules.RULES["macd_cross"]})
        yield


@pytest.fixture
def without_redis(settings: Any) -> None:
    """An installation without Redis, also in a test run that has one."""
    settings.REDIS_URL = ""


@pytest.fixture(autouse=True)
def nothing_through_requests() -> Iterator[responses.RequestsMock]:
    """Third-party packages may use `requests`: every request through it is refused, but those that a test answers."""
    with responses.RequestsMock() as answers:
        yield answers


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries follow each other at once; the tests of the waits switch this off."""
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)
    http.new_client.cache_clear()


@pytest.fixture(scope="session")
def street(django_db_blocker: DjangoDbBlocker) -> Iterator[installations.Servers]:
    """The servers of whole installations; a test that stops or kills one starts it again."""
    with installations.open_servers(django_db_blocker) as street:
        yield street


@pytest.fixture(scope="session")
def calm(street: installations.Servers, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database of an installation without faults."""
    return street.calm(tmp_path_factory.mktemp("calm"))


@pytest.fixture
def replica(outgoing: set[tuple[str, int]], settings: Any) -> Iterator[nbp_replica.Replica]:
    """A local replica of the NBP on 26 October 2026, the last day of its rates."""
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
    synced.sync()
    return Source.objects.get(code="nbp")


@pytest.fixture
def archive(nbp: Source) -> Source:
    return Source.objects.get(code="nbp_archive")


@pytest.fixture
def job(nbp: Source) -> Job:
    """A running job of the NBP to write rates with."""
    return runs.start("nbp.A", nbp, Job.Trigger.COMMAND)
