"""How Charon and Redis get on: messages and their log, one warning for an outage, and nobody who waits."""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fakeredis
import pytest
import redis

from markets.jobs import runs
from markets.models import Job, Source
from markets.redis import client as redis_client
from markets.redis import pubsub
from markets.redis.pubsub import Entry
from tests.own_redis import imitated, used
from tests.processes import environment, manage
from tests.servers import Redis

LINE = Entry("cache_write", "cache", "dashboard", "answers=2 bytes=10", 10)
BODY = {"asset": "USD", "rows": 2}


@pytest.fixture
def client(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[fakeredis.FakeRedis]:
    with imitated(settings, monkeypatch) as one:
        yield one


@pytest.fixture
def server(settings: Any, outgoing: set[tuple[str, int]]) -> Iterator[Redis]:
    with used(settings, outgoing) as one:
        yield one


@dataclass
class Moody:
    """A Redis that fails as long as it has an error, and counts who asks."""

    error: Exception | None
    calls: int = 0

    def answer(self, _client: Any) -> str:
        self.calls += 1
        if self.error:
            raise self.error
        return "answer"

    def asked(self) -> str:
        return redis_client.ask(self.answer, "otherwise")


@pytest.fixture
def moody(client: fakeredis.FakeRedis) -> Moody:
    return Moody(redis.ConnectionError("redis://:hunter2@redis cannot be reached"))


def lines_of(client: fakeredis.FakeRedis) -> list[dict[str, str]]:
    entries: Any = client.xrange("redis:message_log")
    return [{key.decode(): value.decode() for key, value in fields.items()} for _, fields in entries]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_message_goes_out_and_stands_in_the_log(client: fakeredis.FakeRedis, at: Any) -> None:
    at("2026-11-20 12:00")
    with client.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe("rates.ingested")
        ear.get_message()
        assert pubsub.publish("rates.ingested", [BODY, {"asset": "złoto", "list": [1]}], "market-data") == 2
        first: Any = ear.get_message()
        assert (first["channel"], first["data"]) == (b"rates.ingested", b'{"asset":"USD","rows":2}')
    lines = lines_of(client)
    assert lines[0] == {
        "type": "publish",
        "channel": "rates.ingested",
        "source": "market-data",
        "summary": "asset=USD rows=2",
        "payload_size": "24",
        "timestamp": "2026-11-20T11:00:00+00:00",
    }
    assert (lines[1]["summary"], lines[1]["payload_size"]) == ("asset=złoto", "29")
    assert len(lines) == 2


def test_a_prefix_stands_before_channels_and_the_log(client: fakeredis.FakeRedis, settings: Any) -> None:
    settings.REDIS_PREFIX = "house2:"
    with client.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe("rates.ingested", "house2:rates.ingested")
        ear.get_message(), ear.get_message()
        pubsub.publish("rates.ingested", [BODY], "market-data")
        heard: Any = ear.get_message()
        assert heard["channel"] == b"house2:rates.ingested"
        assert ear.get_message() is None
    assert client.keys() == [b"house2:redis:message_log"]


def test_a_long_summary_is_cut(client: fakeredis.FakeRedis) -> None:
    pubsub.note_error("nbp.A", "market-data", "x" * 5000)
    assert (lines_of(client)[0]["payload_size"], len(lines_of(client)[0]["summary"])) == ("5000", 500)


@pytest.mark.slow
@pytest.mark.parametrize(
    "url", ["redis://:hunter2/x@redis:6379/0", "redis://redis:six/0", "redis://redis:70000", "http://redis"]
)
def test_an_address_that_cannot_be_right_stops_the_start_and_keeps_its_password(tmp_path: Path, url: str) -> None:
    done = manage("check", env=environment(tmp_path, REDIS_URL=url))
    assert done.returncode == 1
    words = done.stderr.strip().splitlines()[-1]
    assert "REDIS_URL" in words
    assert "hunter2" not in done.stderr


@pytest.mark.processes
def test_whatever_is_put_into_the_cache_is_never_unpickled(tmp_path: Path) -> None:
    """Who can write to Redis may not run code here."""
    code = "from django.core.cache import cache; print(cache.client._serializer.dumps({'a': 1}).decode())"
    done = manage("shell", "-v", "0", "-c", code, env=environment(tmp_path, REDIS_URL="redis://127.0.0.1:9/0"))
    assert json.loads(done.stdout) == {"a": 1}, done.stderr


def test_nothing_to_say_asks_nobody(moody: Moody, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_alias: str) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(redis_client, "get_redis_connection", nobody)
    pubsub.note()
    assert pubsub.publish("rates.ingested", [], "market-data") == 0


def test_without_redis_nobody_is_asked(moody: Moody, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.REDIS_URL = ""
    assert (moody.asked(), moody.calls, redis_client.state(), warnings(caplog)) == ("otherwise", 0, "off", [])


def test_an_outage_is_one_warning_and_one_question_in_ten_seconds(
    moody: Moody, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert {moody.asked() for _ in range(1000)} == {"otherwise"}
    assert (moody.calls, redis_client.state()) == (1, "unreachable")
    for _ in range(5):
        redis_client.connection.cooling_until = 0
        moody.asked()
    assert moody.calls == 6
    assert warnings(caplog) == ["Redis cannot be used, Charon goes on without it: ConnectionError"]
    moody.error, redis_client.connection.cooling_until = None, 0
    assert {moody.asked() for _ in range(5)} == {"answer"}
    assert (redis_client.state(), redis_client.connection.lost_at) == ("ok", None)
    assert [record.getMessage() for record in caplog.records][1:] == ["Redis answers again"]
    moody.error = redis.TimeoutError("slow")
    moody.asked()
    assert len(warnings(caplog)) == 2
    assert "hunter2" not in caplog.text


def test_after_the_rest_one_thread_asks_for_all(moody: Moody, caplog: pytest.LogCaptureFixture) -> None:
    moody.asked()
    redis_client.connection.cooling_until = 0
    together, gone = threading.Barrier(16), threading.Semaphore(0)
    asked: list[int] = []

    def slow(_client: Any) -> str:
        asked.append(1)
        others = all(gone.acquire(timeout=40) for _ in range(15))
        raise redis.ConnectionError("still" if others else "nobody else came back")

    def ask() -> None:
        together.wait()
        redis_client.ask(slow, "otherwise")
        gone.release()

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert len(warnings(caplog)) == 1


def test_what_redis_refuses_is_said_once_and_the_rest_goes_on(moody: Moody, caplog: pytest.LogCaptureFixture) -> None:
    moody.error = redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")
    assert {moody.asked() for _ in range(50)} == {"otherwise"}
    assert (moody.calls, redis_client.state()) == (50, "ok")
    said = "Redis refuses something, Charon goes on without it"
    assert warnings(caplog) == [f"{said}: OutOfMemoryError: {moody.error}"]
    redis_client.connection.quiet_until = 0
    moody.asked()
    assert len(warnings(caplog)) == 2


def test_a_refused_line_of_the_log_keeps_no_message_back(
    client: fakeredis.FakeRedis, caplog: pytest.LogCaptureFixture
) -> None:
    client.set("redis:message_log", "somebody else's")
    assert pubsub.publish("rates.ingested", [BODY, BODY], "market-data") == 2
    pubsub.note(LINE)
    assert len(warnings(caplog)) == 1


def test_a_fault_of_ours_is_no_fault_of_redis(moody: Moody) -> None:
    moody.error = ValueError("ours")
    with pytest.raises(ValueError, match="ours"):
        moody.asked()
    assert redis_client.connection.lost_at is None


def test_a_forked_worker_knows_nothing_of_its_parent_and_never_waits_for_its_locks(moody: Moody) -> None:
    moody.asked()
    moody.error = None
    with redis_client.connection.lock:
        child = os.fork()
        if child == 0:
            free = redis_client.connection.lock.acquire(blocking=False)
            os._exit(0 if (moody.asked(), free) == ("answer", True) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert redis_client.connection.lost_at is not None


def test_a_failed_job_stands_in_the_log_without_its_secrets(client: fakeredis.FakeRedis, nbp: Source) -> None:
    with pytest.raises(RuntimeError), runs.job("nbp.A", nbp):
        raise RuntimeError("GET https://api.example/?api_key=s3cret failed")
    (line,) = lines_of(client)
    assert (line["type"], line["channel"], line["source"]) == ("error", "nbp.A", "market-data")
    assert line["summary"] == "RuntimeError: GET https://api.example/?api_key=*** failed" == Job.objects.get().error


def test_a_failed_job_without_redis_fails_in_its_own_words(nbp: Source, moody: Moody, monkeypatch: Any) -> None:
    monkeypatch.setattr(redis_client, "get_redis_connection", moody.answer)
    with pytest.raises(RuntimeError, match="ours"), runs.job("nbp.A", nbp):
        raise RuntimeError("ours")
    assert (moody.calls, Job.objects.get().status) == (1, "failed")


# With a real Redis


@pytest.mark.services
def test_a_redis_that_hangs_costs_one_time_out_and_no_more(server: Redis, caplog: pytest.LogCaptureFixture) -> None:
    assert pubsub.publish("rates.ingested", [BODY], "market-data") == 1
    server.freeze()
    before = time.monotonic()
    assert pubsub.publish("rates.ingested", [BODY], "market-data") == 0
    waited = time.monotonic() - before
    assert 0.2 < waited < 5
    before = time.monotonic()
    for _ in range(500):
        pubsub.note(LINE)
    assert time.monotonic() - before < 5  # 500 time-outs would be two minutes
    assert warnings(caplog) == ["Redis cannot be used, Charon goes on without it: TimeoutError"]
    server.thaw()
    redis_client.connection.cooling_until = 0
    assert pubsub.publish("rates.ingested", [BODY], "market-data") == 1
    assert redis_client.state() == "ok"


@pytest.mark.services
def test_a_redis_that_was_restarted_between_two_messages_is_no_outage(
    server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        assert pubsub.publish("rates.ingested", [BODY], "market-data") == 1
        server.restart()
    assert warnings(caplog) == []


@pytest.mark.services
def test_a_redis_that_was_away_at_the_start_and_dies_again_is_used_while_it_is_there(
    server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    pubsub.note(LINE)
    server.start()
    redis_client.connection.cooling_until = 0
    pubsub.note(LINE)
    assert server.cli("XLEN", "redis:message_log") == "1"
    server.kill()
    pubsub.note(LINE)
    assert (len(warnings(caplog)), redis_client.state()) == (2, "unreachable")


@pytest.mark.services
def test_a_full_redis_still_carries_messages_and_reads(server: Redis, caplog: pytest.LogCaptureFixture) -> None:
    pubsub.note(LINE)
    server.cli("CONFIG", "SET", "maxmemory", "100kb")
    client = redis.Redis.from_url(server.url)
    with client, client.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe("rates.ingested")
        ear.get_message(timeout=40)
        assert pubsub.publish("rates.ingested", [BODY], "market-data") == 1
        heard: Any = ear.get_message(timeout=40)
        assert json.loads(heard["data"]) == BODY
    for _ in range(100):
        pubsub.note(LINE)
    assert redis_client.ask(lambda one: one.xlen("redis:message_log"), -1) == 1
    assert redis_client.state() == "ok"
    assert len(warnings(caplog)) == 1
    assert "OutOfMemoryError" in caplog.text


@pytest.mark.services
def test_the_log_keeps_about_ten_thousand_lines(server: Redis) -> None:
    for _ in range(24):
        pubsub.note(*[LINE] * 500)
    assert 10_000 <= int(server.cli("XLEN", "redis:message_log")) <= 10_100


@pytest.mark.services
def test_a_forked_process_has_connections_of_its_own(server: Redis) -> None:
    pubsub.publish("rates.ingested", [BODY], "market-data")
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            heard = [pubsub.publish("rates.ingested", [BODY], "market-data") for _ in range(50)]
            os._exit(0 if heard == [1] * 50 else 1)
        children.append(child)
    sent = sum(pubsub.publish("rates.ingested", [BODY], "market-data") for _ in range(50))
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert sent == 50
    assert server.cli("XLEN", "redis:message_log") == "201"
