"""A real Redis that is away, ends, comes back, is full, slow or talks rubbish: everything is served and stored."""

import logging
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from markets.models import Job
from markets.redis import client as redis_client
from miner import tasks
from miner.providers.nbp import NBP
from tests.databases import needs_postgres, url_of_the_test
from tests.own_redis import used
from tests.processes import MANAGE, environment, free_port
from tests.replica import Replica, data
from tests.servers import Redis

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

LATE_SECONDS = 0.5
PATHS = ("/", "/waluty/USD/", "/api/v1/currencies", "/api/v1/signals?code=USD", "/health")


@pytest.fixture(autouse=True)
def october(nbp: Any, replica: Replica, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> None:
    """Table A as if it had begun in October 2026; it is the 12th, and the figures up to then are stored."""
    monkeypatch.setattr(NBP, "series", (replace(NBP.series[0], first=date(2026, 10, 1), window=7),))
    at("2026-10-12 13:00")
    assert tasks.mine("nbp") == "done"


@pytest.fixture
def redis(settings: Any, outgoing: set[tuple[str, int]]) -> Iterator[Redis]:
    with used(settings, outgoing) as server:
        yield server


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure Redis is asked again at once, and not 10 s later."""
    monkeypatch.setattr(redis_client, "COOL_DOWN_SECONDS", 0.0)


@pytest.fixture
def long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, Redis is asked once."""
    monkeypatch.setattr(redis_client, "COOL_DOWN_SECONDS", 120.0)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What operators read: every line from INFO of the bus, from WARNING of everybody else."""
    caplog.set_level(logging.INFO, "markets.redis.client")

    def lines() -> list[str]:
        return [
            f"{record.levelname} {record.getMessage()}"
            for record in caplog.records
            if record.name == "markets.redis.client" or record.levelno >= logging.WARNING
        ]

    return lines


LOST = "WARNING Redis cannot be used, Charon goes on without it: "
BACK = "INFO Redis answers again"


def published(end: date) -> list[tuple[str, Decimal]]:
    tables = data.tables("A", 2026).values()
    days = sorted(table.day for table in tables if date(2026, 10, 1) <= table.day <= end)
    return [(str(day), Decimal(data.tables("A", 2026)[day].rates["USD"][0])) for day in days]


def assert_served(end: date) -> None:
    """Every page and answer comes, with the figures up to this day."""
    assert [Client().get(path).status_code for path in PATHS] == [200] * len(PATHS)
    answer = Client().get("/api/v1/rates?code=USD&from=2026-10-01")
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [(item["effective_date"], Decimal(item["mid"])) for item in items] == published(end)


def assert_mined(at: Callable[[str], None], day: int) -> None:
    """Another day is brought, without and with Redis alike."""
    at(f"2026-10-{day} 13:00")
    assert tasks.mine("nbp") == "done"
    assert Job.objects.latest("pk").status == "success"


def test_a_redis_that_was_never_there_is_one_warning(
    settings: Any,
    outgoing: set[tuple[str, int]],
    at: Callable[[str], None],
    patience: None,
    said: Callable[[], list[str]],
) -> None:
    with used(settings, outgoing) as server:
        server.stop()
        for _ in range(3):
            assert_served(date(2026, 10, 12))
        assert_mined(at, 20)
        assert_served(date(2026, 10, 20))
        assert said() == [f"{LOST}ConnectionError"]


def test_a_redis_that_ends_while_we_serve_is_one_warning_and_one_line_when_it_is_back(
    redis: Redis, at: Callable[[str], None], patience: None, said: Callable[[], list[str]]
) -> None:
    assert_served(date(2026, 10, 12))
    redis.stop()
    assert_served(date(2026, 10, 12))
    assert_mined(at, 16)
    assert_served(date(2026, 10, 16))
    redis.start()
    assert_served(date(2026, 10, 16))
    assert_mined(at, 20)
    assert_served(date(2026, 10, 20))
    assert said() == [f"{LOST}ConnectionError", BACK]


def test_each_outage_has_its_own_warning(redis: Redis, patience: None, said: Callable[[], list[str]]) -> None:
    for _ in range(2):
        assert_served(date(2026, 10, 12))
        redis.kill()
        assert_served(date(2026, 10, 12))
        redis.start()
    assert_served(date(2026, 10, 12))
    assert said() == [f"{LOST}ConnectionError", BACK] * 2


def test_a_restart_between_two_requests_is_no_outage(redis: Redis, said: Callable[[], list[str]]) -> None:
    """The connection kept from before is broken, a new one is not."""
    assert_served(date(2026, 10, 12))
    redis.restart()
    assert_served(date(2026, 10, 12))
    assert said() == []


@pytest.mark.usefixtures("long_rest")
def test_a_redis_that_hangs_costs_one_time_out_and_not_one_a_request(
    redis: Redis, at: Callable[[str], None], said: Callable[[], list[str]]
) -> None:
    assert_served(date(2026, 10, 12))
    redis.freeze()
    began = time.monotonic()
    for _ in range(5):
        assert_served(date(2026, 10, 12))
    assert_mined(at, 20)
    assert_served(date(2026, 10, 20))
    assert time.monotonic() - began < 10  # some 50 requests and messages, each 0.25 s late
    assert said() == [f"{LOST}TimeoutError"]
    redis.thaw()


@pytest.mark.usefixtures("long_rest")
def test_a_slow_redis_is_left_alone(
    redis: Redis,
    settings: Any,
    outgoing: set[tuple[str, int]],
    at: Callable[[str], None],
    said: Callable[[], list[str]],
) -> None:
    with slow(redis.port) as port:
        outgoing.add(("127.0.0.1", port))
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": settings.REDIS_URL}}
        began = time.monotonic()
        for _ in range(5):
            assert_served(date(2026, 10, 12))
        assert_mined(at, 20)
        assert_served(date(2026, 10, 20))
        assert time.monotonic() - began < 40 * LATE_SECONDS  # some 50 requests and messages
        assert said() == [f"{LOST}TimeoutError"]


def test_a_full_redis_serves_stores_and_warns_once(
    redis: Redis, at: Callable[[str], None], said: Callable[[], list[str]]
) -> None:
    redis.cli("config", "set", "maxmemory", "1")
    for _ in range(3):
        assert_served(date(2026, 10, 12))
    assert_mined(at, 16)
    assert_served(date(2026, 10, 16))
    [only] = said()
    assert only.startswith("WARNING Redis refuses something, Charon goes on without it: ")
    assert "maxmemory" in only

    redis.cli("config", "set", "maxmemory", "0")
    assert_mined(at, 20)
    assert_served(date(2026, 10, 20))
    assert int(redis.cli("xlen", "redis:message_log")) > 0


@pytest.mark.parametrize("rubbish", ["", "rubbish", "\x80\x04K\x01.", '{"items": [], "count": 0}', "null"])
def test_rubbish_in_a_cached_key_is_not_served(redis: Redis, said: Callable[[], list[str]], rubbish: str) -> None:
    assert_served(date(2026, 10, 12))
    ours = {"generation", "written"}
    keys = [key for key in redis.cli("keys", "cache:*").splitlines() if not ours & set(key.split(":"))]
    assert len(keys) > 1
    for key in keys:
        redis.cli("set", key, rubbish)
    assert_served(date(2026, 10, 12))
    assert_served(date(2026, 10, 12))
    assert said() == []


def test_another_type_in_a_cached_key_is_not_served(redis: Redis, said: Callable[[], list[str]]) -> None:
    assert_served(date(2026, 10, 12))
    for key in redis.cli("keys", "cache:*").splitlines():
        redis.cli("del", key)
        redis.cli("hset", key, "a", "b")
    assert_served(date(2026, 10, 12))
    assert len(said()) <= 1


@needs_postgres
def test_the_command_mines_without_redis_and_says_so_once(tmp_path: Path, replica: Replica) -> None:
    env = environment(
        tmp_path,
        DATABASE_URL=url_of_the_test(),
        NBP_BASE_URL=replica.url,
        REDIS_URL=f"redis://127.0.0.1:{free_port()}/0",
    )
    words = ("mine", "nbp", "--table", "A", "--from", "2026-01-01", "--to", "2026-09-30")
    done = subprocess.run([*MANAGE, *words], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("WARNING") == done.stderr.count("Redis cannot be used") == 1
    assert Job.objects.latest("pk").rows_written > 5000


@contextmanager
def slow(port: int) -> Iterator[int]:
    """Another port of that server, whose every word arrives late."""
    door = socket.create_server(("127.0.0.1", 0))
    talks: list[socket.socket] = []

    def welcome() -> None:
        with suppress(OSError):
            while True:
                here, _ = door.accept()
                there = socket.create_connection(("127.0.0.1", port))
                talks.extend((here, there))
                for one, other, wait in ((here, there, LATE_SECONDS), (there, here, 0.0)):
                    threading.Thread(target=carry, args=(one, other, wait), daemon=True).start()

    threading.Thread(target=welcome, daemon=True).start()
    try:
        yield int(door.getsockname()[1])
    finally:
        for end in (door, *talks):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def carry(one: socket.socket, other: socket.socket, wait: float) -> None:
    with suppress(OSError):
        while words := one.recv(65536):
            threading.Event().wait(wait)
            other.sendall(words)
