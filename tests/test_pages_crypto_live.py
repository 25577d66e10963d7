"""New candles are told to the pages that listen (S3-08)."""

from collections.abc import Iterator
from typing import Any

import fakeredis
import msgspec
import pytest

from charon.api.live_question import question_of
from markets.models import Source
from markets.redis import market_keys
from markets.redis.live_events import CHANNEL, LiveEvent
from tests.market import instrument, source
from tests.test_events import imitated


@pytest.fixture
def client(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[fakeredis.FakeRedis]:
    with imitated(settings, monkeypatch) as one:
        yield one


@pytest.mark.django_db
@pytest.mark.parametrize("public", [True, False])
def test_new_candles_of_an_hour_are_an_event_for_those_who_may_hear_of_the_source(
    client: fakeredis.FakeRedis, public: bool
) -> None:
    binance: Source = source("binance", ["BTCUSDT"], public_api=public)
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(CHANNEL)
        listener.get_message()
        market_keys.keep_candles(binance, "1h", {instrument("BTCUSDT").pk: "BTCUSDT"})
        messages = list(iter(listener.get_message, None))
    [event] = [msgspec.json.decode(message["data"], type=LiveEvent) for message in messages]
    assert (event.name, event.public) == ("market:update:1h", public)
    assert question_of(b"kinds=prices")[0].wants(event)
