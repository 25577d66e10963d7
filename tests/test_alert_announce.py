"""A new alert is told to other programs and to those who listen to the stream."""

import json
from collections.abc import Callable
from typing import Any

import fakeredis
import pytest
from pytest_django import DjangoAssertNumQueries

from charon.api.live_question import question_of
from markets.models import Source
from markets.redis import pubsub
from markets.redis.live_events import LiveEvent
from signals.alerts import announce, rows
from signals.alerts.models import AlertEvent, Kind
from tests import test_events, test_live_events
from tests.alert_rows import alert_event
from tests.market import source

client, sent = test_events.client, test_live_events.sent  # fixtures
Sent = Callable[[], list[LiveEvent]]


@pytest.fixture(autouse=True)
def gecko(db: None, at: Callable[[str], None]) -> Source:
    at("2026-10-26 12:00")
    return source("coingecko", ["BTC", "ETH"])


def item(event: AlertEvent) -> dict[str, Any]:
    [found] = rows.event_rows(AlertEvent.objects.filter(pk=event.pk))
    return dict(json.loads(pubsub.JSON.encode(found)))


@pytest.mark.parametrize("public", [True, False])
def test_an_alert_is_the_item_of_the_api_and_says_whether_it_is_public(
    gecko: Source, sent: Sent, client: fakeredis.FakeRedis, public: bool
) -> None:
    Source.objects.filter(pk=gecko.pk).update(public_api=public)
    with client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe("alerts.fired")
        channel.get_message()
        event = alert_event()
        assert announce.announce(event) == 1
        assert json.loads(channel.get_message()["data"]) == item(event)
    (one,) = sent()
    assert (one.kind, one.name, one.code, one.public) == ("alerts", "alerts.fired", "BTCUSD", public)
    assert json.loads(bytes(one.data)) == item(event)
    assert question_of(b"kinds=alerts&codes=BTC")[0].wants(one)
    entries: Any = client.xrange(pubsub.LOG)
    [entry] = entries
    assert (entry[1][b"channel"], entry[1][b"source"], entry[1][b"type"]) == (b"alerts.fired", b"ta-service", b"signal")


def test_what_watches_the_installation_is_the_operators_and_has_no_code(sent: Sent) -> None:
    announce.announce(alert_event(kind=Kind.DISK, instrument=None, source=None, subject="disk", price=None))
    (one,) = sent()
    assert (one.code, one.public, json.loads(bytes(one.data))["subject"]) == ("", False, "disk")


def test_many_are_told_in_their_order_with_two_queries(
    sent: Sent, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    events = [alert_event(code=code, minutes_ago=1) for code in ("BTCUSD", "ETHUSD")]
    with django_assert_num_queries(2):
        assert announce.announce(*reversed(events)) == 2
    assert [one.code for one in sent()] == ["BTCUSD", "ETHUSD"]
    assert announce.announce() == 0


def test_nothing_hangs_on_redis(settings: Any, client: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    event = alert_event()
    monkeypatch.setattr(client, "pipeline", lambda **_: (_ for _ in ()).throw(ConnectionError))
    settings.REDIS_URL = ""
    assert announce.announce(event) == 0
