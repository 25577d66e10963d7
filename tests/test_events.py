"""What outsiders hear over Redis, and that nothing hangs on it."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import fakeredis
import pytest
import redis

from markets import events, store
from markets.models import Job, Source
from markets.records import Figure, Table


@pytest.fixture
def brought(nbp: Source, job: Job) -> Job:
    """A job that brought the dollar of two days."""
    days = [date(2024, 1, 2), date(2024, 1, 3)]
    store.save([Table("A", day, [Figure("USD", mid=Decimal("3.9432"))]) for day in days], nbp, job)
    return job


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Any]:
    server = fakeredis.FakeServer()
    settings.REDIS_URL = "redis://redis:6379/0"
    monkeypatch.setattr(redis.Redis, "from_url", lambda *_, **__: fakeredis.FakeRedis(server=server))
    with fakeredis.FakeRedis(server=server) as client, client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("rates.ingested")
        listener.get_message()
        yield listener


def test_one_message_an_instrument_says_what_arrived(brought: Job, channel: Any) -> None:
    assert events.announce(brought) == 1
    body = json.loads(channel.get_message()["data"])
    assert body == {
        "type": "currency", "asset": "USD", "from": "2024-01-02", "to": "2024-01-03", "rows": 2, "job_id": brought.pk,
    }  # fmt: skip


def test_gold_calls_itself_gold(nbp: Source, job: Job, channel: Any) -> None:
    store.save([Table("gold", date(2024, 1, 2), [Figure("XAU", mid=Decimal("260.09"))], kind="metal")], nbp, job)
    events.announce(job)
    body = json.loads(channel.get_message()["data"])
    assert (body["type"], body["asset"]) == ("gold", "XAU")


def test_without_redis_nobody_is_told_and_nothing_happens(brought: Job) -> None:
    assert events.announce(brought) == 0


def test_a_redis_that_is_down_is_a_warning_and_nothing_else(
    brought: Job, settings: Any, outgoing: set[tuple[str, int]], caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:9/0"
    outgoing.add(("127.0.0.1", 9))
    assert events.announce(brought) == 0
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "hunter2" not in caplog.text
