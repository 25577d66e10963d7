"""What is sent to live: whose it is, of which instrument, and whether everybody may hear it."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import fakeredis
import msgspec
import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from charon.api import sse_hub
from charon.api.live_question import question_of
from charon.api.sse_hub import Hub, Listener
from charon.management.commands import up
from markets import events
from markets.jobs import runs
from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.redis import pubsub
from markets.redis.live_events import CHANNEL, LiveEvent
from markets.store.publish import publish
from miner.collect import prices as price_collector
from signals import tasks
from tests import test_events
from tests.markets_fake import FakeMarket, open_market
from tests.processes import environment, free_port, manage


@pytest.fixture
def sent(client: fakeredis.FakeRedis) -> Iterator[Callable[[], list[LiveEvent]]]:
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(CHANNEL)
        listener.get_message()

        def read() -> list[LiveEvent]:
            messages = iter(listener.get_message, None)
            return [msgspec.json.decode(one["data"], type=LiveEvent) for one in messages]

        yield read


waiting, client = test_events.waiting, test_events.client  # fixtures
Sent = Callable[[], list[LiveEvent]]


@pytest.mark.parametrize("public", [True, False])
def test_rates_say_whether_their_source_is_public(nbp: Source, sent: Sent, public: bool) -> None:
    Source.objects.filter(pk=nbp.pk).update(public_api=public)
    nbp.refresh_from_db()
    job = runs.start("nbp.A", nbp, Job.Trigger.COMMAND)
    publish([Table("A", date(2024, 1, 2), [RateRecord("USD", mid=Decimal("3.9432"))])], nbp, job)
    events.announce(job)
    (one,) = sent()
    assert (one.kind, one.name, one.code, one.public) == ("rates", "rates.ingested", "USD", public)
    assert json.loads(bytes(one.data)) == events.messages(job)[0]


@pytest.mark.parametrize("public", [True, False])
def test_prices_say_whose_they_are(
    db: None, sent: Sent, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None], public: bool
) -> None:
    at("2026-11-20 13:00")
    market = open_market(monkeypatch, public_api=public)
    FakeMarket.prices["X:BTCUSD"] = Decimal("90000.50")
    price_collector.refresh(market, price_collector.due(market))
    (one,) = sent()
    assert (one.kind, one.name, one.code, one.public) == ("prices", "prices.updated", "BTCUSD", public)
    body = json.loads(bytes(one.data), parse_float=Decimal)
    assert (body["source"], body["symbol"], body["data"]["last_price"]) == ("fake", "BTCUSD", Decimal("90000.5"))


@pytest.mark.parametrize("closed", ["", "nbp", "nbp_archive"])
def test_signals_are_closed_where_their_decisions_are(
    waiting: Instrument,
    sent: Sent,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    closed: str,
) -> None:
    Source.objects.filter(code=closed).update(public_api=False)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.catch_up()
    (one,) = [event for event in sent() if event.kind == "signals"]
    assert (one.name, one.code, one.public) == ("signals.updated", "USD", not closed)


@pytest.mark.parametrize("public", [True, False])
def test_a_job_that_ends_says_how(nbp: Source, sent: Sent, public: bool) -> None:
    Source.objects.filter(pk=nbp.pk).update(public_api=public)
    with pytest.raises(ValueError, match="hidden"), runs.job("nbp.A", nbp):
        raise ValueError("hidden")
    (one,) = sent()
    assert (one.kind, one.name, one.code, one.public) == ("jobs", "jobs.ended", "", public)
    body = json.loads(bytes(one.data))
    told = (body["id"], body["job_type"], body["status"], body["source"])
    assert told == (Job.objects.get().pk, "nbp.A", "failed", "nbp")
    assert b"hidden" not in bytes(one.data)


def test_a_job_of_no_source_is_public(db: None, sent: Sent) -> None:
    with runs.job("retention"):
        pass
    (one,) = sent()
    assert (one.public, json.loads(bytes(one.data))["source"]) == (True, None)


def test_the_message_log_has_no_second_entry_of_them(nbp: Source, job: Job, client: Any) -> None:
    publish([Table("A", date(2024, 1, 2), [RateRecord("USD", mid=Decimal("3.9432"))])], nbp, job)
    events.announce(job)
    channels = [fields[b"channel"] for _, fields in client.xrange(pubsub.LOG)]
    assert channels == [b"rates.ingested"]


# Who runs it


class Place:
    family, ip, port = 2, "127.0.0.1", 8000


@pytest.mark.parametrize(("url", "there"), [("", False), ("redis://127.0.0.1:9/0", True)])
def test_up_runs_live_where_there_is_redis(settings: Any, url: str, there: bool) -> None:
    settings.REDIS_URL = url
    names = [child.name for child in up.children(Place())]  # type: ignore[arg-type]
    assert ("live" in names, names[-1]) == (there, "pulse")


@pytest.mark.processes
def test_a_taken_port_of_live_is_refused_in_one_line(tmp_path: Any) -> None:

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        env = environment(tmp_path, PORT=str(free_port()), LIVE_PORT=str(port), REDIS_URL="redis://127.0.0.1:9/0")
        done = manage("up", env=env)
    said = f"Port {port} of 127.0.0.1 is taken; choose another with LIVE_PORT=...\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_one_address_does_not_take_all_places() -> None:
    hub = Hub()
    for _ in range(sse_hub.OF_ONE):
        assert not hub.is_crowded_by("192.0.2.7")
        hub.join(Listener(question_of(b"")[0], sees_all=False, address="192.0.2.7"), "")
    assert hub.is_crowded_by("192.0.2.7")
    assert not hub.is_crowded_by("192.0.2.8")
