"""What outsiders hear over Redis, and that nothing hangs on it."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import fakeredis
import pytest
from django.db import connection, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from markets import events
from markets.jobs import job_leases, runs
from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.redis import client as redis_client
from markets.store.publish import publish
from signals import engine, tasks
from signals.models import Signal
from tests.news import news, open_news
from tests.own_redis import imitated, used
from tests.processes import until
from tests.servers import Redis, program
from tests.test_engine import wave


@pytest.fixture
def brought(nbp: Source, job: Job) -> Job:
    """A job that brought the dollar of two days."""
    days = [date(2024, 1, 2), date(2024, 1, 3)]
    publish([Table("A", day, [RateRecord("USD", mid=Decimal("3.9432"))]) for day in days], nbp, job)
    return job


@pytest.fixture
def client(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[fakeredis.FakeRedis]:
    with imitated(settings, monkeypatch) as one:
        yield one


@pytest.fixture
def channel(client: fakeredis.FakeRedis) -> Iterator[Any]:
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("rates.ingested", "signals.updated")
        listener.get_message(), listener.get_message()
        yield listener


def test_one_message_an_instrument_says_what_arrived(brought: Job, channel: Any) -> None:
    assert events.announce(brought) == 1
    body = json.loads(channel.get_message()["data"])
    assert body == {
        "type": "currency", "asset": "USD", "from": "2024-01-02", "to": "2024-01-03", "rows": 2, "job_id": brought.pk,
    }  # fmt: skip
    assert list(body) == ["type", "asset", "from", "to", "rows", "job_id"]


def test_gold_calls_itself_gold(nbp: Source, job: Job, channel: Any) -> None:
    publish([Table("gold", date(2024, 1, 2), [RateRecord("XAU", mid=Decimal("260.09"))], kind="metal")], nbp, job)
    events.announce(job)
    body = json.loads(channel.get_message()["data"])
    assert (body["type"], body["asset"]) == ("gold", "XAU")


def test_a_job_that_was_paused_tells_of_what_it_brought_before_and_after(nbp: Source, brought: Job) -> None:
    runs.release(brought, lambda _: None)
    job = job_leases.take_up(brought.pk, "nbp.A")
    assert job is not None
    publish([Table("A", date(2024, 1, 5), [RateRecord("USD", mid=Decimal("3.9850"))])], nbp, job)
    assert [(body["from"], body["to"], body["rows"]) for body in events.messages(job)] == [
        ("2024-01-02", "2024-01-05", 3)
    ]


def test_without_redis_nobody_is_told_and_nothing_happens(brought: Job, settings: Any) -> None:
    settings.REDIS_URL = ""
    assert events.announce(brought) == 0


def test_a_redis_that_is_down_is_a_warning_and_nothing_else(
    brought: Job, settings: Any, outgoing: set[tuple[str, int]], caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:9/0"
    settings.CACHES = {
        "default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": settings.REDIS_URL, "OPTIONS": {}}
    }
    outgoing.add(("127.0.0.1", 9))
    assert [events.announce(brought) for _ in range(20)] == [0] * 20
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "hunter2" not in caplog.text


# New decisions


@pytest.fixture
def waiting(nbp: Source, at: Callable[[str], None], client: fakeredis.FakeRedis) -> Instrument:
    """600 closes of the dollar, not decided on yet."""
    at("2026-11-20 13:00")
    with runs.job("nbp.A", nbp) as job:
        publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(600)], nbp, job)
    return Instrument.objects.get(code="USD")


def test_new_decisions_are_told_after_their_commit(
    waiting: Instrument, channel: Any, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks() as committed:
        assert tasks.catch_up() > 1
        assert channel.get_message() is None
    for tell in committed:
        tell()
    newest = Signal.objects.order_by("-as_of", "-version")[0]
    message = channel.get_message()
    assert message["channel"] == b"signals.updated"
    assert json.loads(message["data"]) == {
        "asset": "USD",
        "rule": "macd_signal_cross_12_26_9",
        "timeframe": "1d",
        "as_of": newest.as_of.date().isoformat(),
        "signal": newest.signal,
        "rows": Signal.objects.count(),
    }
    assert channel.get_message() is None


def test_decisions_stand_in_the_log_as_the_brains(
    waiting: Instrument,
    client: fakeredis.FakeRedis,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        tasks.catch_up()
    entries: Any = client.xrange("redis:message_log")
    fields = [fields for _, fields in entries if fields[b"type"] == b"signal"]
    assert [(line[b"channel"], line[b"source"]) for line in fields] == [(b"signals.updated", b"ta-service")]
    assert fields[0][b"summary"].startswith(b"asset=USD rule=macd_signal_cross_12_26_9 timeframe=1d as_of=")


def test_a_recompute_that_changes_nothing_tells_nobody_and_one_that_does_tells(
    waiting: Instrument, channel: Any, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    tasks.catch_up()
    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.recompute(["USD"]) == 0
    assert channel.get_message() is None
    Signal.objects.filter(pk__in=Signal.objects.values("pk")[:2]).delete()
    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.recompute(["USD"]) == 2
    assert json.loads(channel.get_message()["data"])["rows"] == 2


def test_decisions_that_are_undone_are_not_told(
    waiting: Instrument,
    channel: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    real = tasks.announce

    def dies(*args: Any) -> None:
        real(*args)
        raise RuntimeError("after the decision")

    monkeypatch.setattr(tasks, "announce", dies)
    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.catch_up() == 0
    assert (channel.get_message(), Signal.objects.count()) == (None, 0)


def test_a_failure_of_the_brain_stands_in_the_log(
    waiting: Instrument, client: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise ValueError("password=s3cret")

    monkeypatch.setattr(engine, "decisions", broken)
    tasks.catch_up()
    entries: Any = client.xrevrange("redis:message_log", count=1)
    fields = entries[0][1]
    assert (fields[b"type"], fields[b"channel"], fields[b"source"]) == (b"error", b"signals.USD", b"ta-service")
    assert b"s3cret" not in fields[b"summary"]
    assert news().get().error == fields[b"summary"].decode()


def test_a_redis_that_dies_between_commit_and_message_leaves_the_decisions(
    waiting: Instrument,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def gone(_alias: str) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(redis_client, "get_redis_connection", gone)
    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.catch_up() > 1
    assert not open_news().exists()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert not connection.needs_rollback
    assert transaction.get_autocommit() is False  # the test's own transaction is whole


# With a real Redis


@pytest.mark.services
def test_redis_cli_hears_the_message_and_finds_it_in_the_log(
    brought: Job, settings: Any, outgoing: set[tuple[str, int]], tmp_path: Path
) -> None:
    with used(settings, outgoing) as server:
        out = tmp_path / "heard"
        with out.open("w") as heard, subscribed(server, heard) as ear:
            until(lambda: "subscribe" in out.read_text())
            assert events.announce(brought) == 1
            until(lambda: "job_id" in out.read_text())
            ear.terminate()
        start = '{"type":"currency","asset":"USD","from":"2024-01-02","to":"2024-01-03","rows":2,"job_id":'
        body = f"{start}{brought.pk}}}"
        assert out.read_text().splitlines()[-1] == body
        shown = server.cli("XREVRANGE", "redis:message_log", "+", "-", "COUNT", "5").splitlines()
        assert len(shown) == 13
        assert shown[1:9] == ["type", "publish", "channel", "rates.ingested", "source", "market-data", "summary", (
            f"type=currency asset=USD from=2024-01-02 to=2024-01-03 rows=2 job_id={brought.pk}"
        )]  # fmt: skip
        assert shown[9:12] == ["payload_size", str(len(body)), "timestamp"]


def subscribed(server: Redis, heard: Any) -> subprocess.Popen[bytes]:
    command = [program("redis-cli"), "-p", str(server.port), "SUBSCRIBE", "rates.ingested"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=heard)


@pytest.mark.services
def test_with_redis_stopped_everything_lands_and_one_warning_is_logged(
    nbp: Source, settings: Any, outgoing: set[tuple[str, int]], at: Callable[[str], None], caplog: Any
) -> None:
    at("2026-11-20 13:00")
    with used(settings, outgoing) as server:
        server.stop()
        for code in ("USD", "EUR", "CHF"):
            with runs.job("nbp.A", nbp) as job:
                publish([Table("A", day, [RateRecord(code, mid=value)]) for day, value in wave(300)], nbp, job)
            events.announce(job)
        assert tasks.catch_up() > 3
        assert Signal.objects.values("instrument").distinct().count() == 3
        assert [record.levelname for record in caplog.records] == ["WARNING"]
