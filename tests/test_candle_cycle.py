"""One cycle of candles: what is asked for, what one bad symbol does, and what others read in Redis."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import fakeredis
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets.models import Candle, Instrument, Job, Listing, Source
from markets.redis import client as redis_client
from markets.redis import market_keys
from miner import tasks
from miner.collect import candle_requests
from miner.collect import candles as candle_collector
from miner.fetch import rate_limit, retry
from miner.fetch.call_window import Allowance
from miner.fetch.errors import Blocked, UnknownTicker, Unreachable, Unreadable
from miner.models import Spent, SyncStatus
from tests.markets_fake import FakeMarket, open_market

pytestmark = pytest.mark.django_db


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> Source:
    at("2026-11-20 13:07")
    monkeypatch.setattr(candle_requests, "CONNECTIONS", 1)
    monkeypatch.setattr(FakeMarket, "limit", 1000)
    return open_market(monkeypatch)


@pytest.fixture
def redis_server(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    client = fakeredis.FakeRedis()
    settings.REDIS_URL = "redis://fake"
    monkeypatch.setattr(redis_client, "get_redis_connection", lambda _: client)
    return client


def test_the_first_cycle_brings_a_thousand_and_the_next_only_the_newest(
    market: Source, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candle_collector, "FIRST", 50)
    assert candle_collector.refresh(market, "5m", first=50).written == 150
    assert {question[3] for question in FakeMarket.asked} == {50}
    FakeMarket.asked.clear()
    at("2026-11-20 13:09")
    candle_collector.refresh(market, "5m")
    assert {question[2:] for question in FakeMarket.asked} == {(None, 2)}


def test_a_pause_is_filled_from_the_last_candle_on(market: Source, at: Callable[[str], None]) -> None:
    candle_collector.refresh(market, "5m", first=3)
    FakeMarket.asked.clear()
    at("2026-11-20 14:07")
    cycle = candle_collector.refresh(market, "5m")
    assert {str(question[2]) for question in FakeMarket.asked} == {"2026-11-20 12:05:00+00:00"}
    assert cycle.gaps == []
    assert Candle.objects.filter(instrument__code="BTCUSD").count() == 15


def test_the_open_candle_is_stored_as_open_and_replaced(market: Source, at: Callable[[str], None]) -> None:
    candle_collector.refresh(market, "5m", first=2)
    newest = Candle.objects.filter(instrument__code="BTCUSD").order_by("-open_time")
    assert [row.closed for row in newest] == [False, True]
    at("2026-11-20 13:11")
    candle_collector.refresh(market, "5m")
    assert [row.closed for row in newest.all()] == [False, True, True]


def test_a_delisted_symbol_is_told_and_the_others_go_on(market: Source, caplog: pytest.LogCaptureFixture) -> None:
    FakeMarket.prices["C:EURUSD"] = UnknownTicker("no symbol C:EURUSD", 400)
    cycle = candle_collector.refresh(market, "1h", first=2)
    assert cycle.failed == {"C:EURUSD": "no symbol C:EURUSD"}
    assert set(Candle.objects.values_list("instrument__code", flat=True)) == {"BTCUSD", "XAUUSD"}
    assert "fake gives no candles of C:EURUSD: no symbol" in caplog.text


def test_a_failure_of_the_source_ends_the_cycle_in_a_row_of_its_own(market: Source) -> None:
    FakeMarket.prices["C:EURUSD"] = Blocked("GET /klines: HTTP 451", 451)
    assert tasks.candles("fake", "5m") == "failed"
    assert Job.objects.get().reason == "blocked"
    market.refresh_from_db()
    assert market.paused_until is not None


def test_a_cycle_asks_the_database_as_often_whatever_the_history(market: Source, without_redis: None) -> None:
    counts = []
    for first in (3, 400):
        Candle.objects.all().delete()
        candle_collector.refresh(market, "5m", first=first)
        with CaptureQueriesContext(connection) as asked:
            candle_collector.refresh(market, "5m")
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[0] <= 13


def test_others_read_the_candles_in_redis(market: Source, redis_server: Any) -> None:
    FakeMarket.prices["X:BTCUSD"] = Decimal("90000.50")
    ear = redis_server.pubsub()
    ear.subscribe("market:update:4h", "market:update:all")
    for timeframe in ("5m", "1h", "4h"):
        candle_collector.refresh(market, timeframe, first=3)
    rows = json.loads(redis_server.get("market:ohlcv:BTCUSD:5m"), parse_float=Decimal)
    assert [row["t"] for row in rows] == sorted(row["t"] for row in rows)
    assert rows[-1] == {
        "t": 1795176300000,
        "o": Decimal("90000.5"),
        "h": Decimal("90002.5"),
        "l": Decimal("89998.5"),
        "c": Decimal("90001.5"),
        "v": 5,
        "closed": False,
        "synthetic": False,
        "partial": False,
    }
    lives = [redis_server.ttl(f"market:ohlcv:BTCUSD:{timeframe}") for timeframe in ("5m", "1h", "4h")]
    assert all(left - 5 < life <= left for life, left in zip(lives, (120, 300, 600), strict=True)), lives
    heard = [message["channel"] for message in iter(ear.get_message, None) if message["type"] == "message"]
    assert heard == [b"market:update:4h", b"market:update:all"]


def test_others_read_the_prices_in_redis(market: Source, redis_server: Any, settings: Any) -> None:
    FakeMarket.prices["X:BTCUSD"] = Decimal("90000.50")
    tasks.quotes("fake")
    assert json.loads(redis_server.get("market:price:BTCUSD"), parse_float=Decimal) == {
        "price": Decimal("90000.5"),
        "change24h": None,
        "volume": None,
        "timestamp": "2026-11-20T12:07:00+00:00",
    }
    assert redis_server.ttl("market:price:BTCUSD") == settings.MARKET_PRICE_TTL
    entries = [fields for _, fields in redis_server.xrange("redis:message_log")]
    assert [entry[b"type"] for entry in entries] == [b"publish", b"cache_write"]
    assert entries[1][b"summary"].startswith(b"1 keys, ")


def test_without_redis_nothing_is_read_for_keys(
    market: Source, without_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_keys, "newest", lambda *_: pytest.fail("candles were read for nobody"))
    candle_collector.refresh(market, "5m", first=2)
    assert Candle.objects.exists()


def test_a_symbol_that_is_followed_from_now_on_gets_its_history(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FakeMarket.tickers, "ETHUSD", "X:ETHUSD")
    candle_collector.refresh(market, "1h", first=2)
    new = Instrument.objects.create(code="ETHUSD", base="ETH", quote="USD", kind="crypto", name_pl="E", name_en="E")
    Listing.objects.create(instrument=new, source=market, ticker="X:ETHUSD")
    FakeMarket.asked.clear()
    candle_collector.refresh(market, "1h", first=30)
    assert ("X:ETHUSD", "1h", None, 30) in FakeMarket.asked
    assert Candle.objects.filter(instrument=new).count() == 30


def test_an_answer_that_cannot_be_read_leaves_out_one_symbol(market: Source) -> None:
    FakeMarket.prices["C:EURUSD"] = Unreadable("not the answer that was expected")
    cycle = candle_collector.refresh(market, "1h", first=2)
    assert cycle.failed == {"C:EURUSD": "not the answer that was expected"}
    assert set(Candle.objects.values_list("instrument__code", flat=True)) == {"BTCUSD", "XAUUSD"}
    assert SyncStatus.objects.get().reason == "unreadable"


def test_nobody_goes_on_asking_after_too_many_requests(market: Source) -> None:
    FakeMarket.prices["C:EURUSD"] = Unreachable("GET /klines: HTTP 429", retry_after=0.01, status=429)
    with pytest.raises(Unreachable):
        candle_collector.refresh(market, "1h", first=2)
    assert [question[0] for question in FakeMarket.asked] == ["C:EURUSD"]
    assert Spent.objects.get().blocked_until is not None


def test_candles_that_came_before_the_source_failed_are_kept(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_requests, "LOT", 50)
    broken = max(FakeMarket.tickers.values())
    FakeMarket.prices[broken] = Blocked("GET /klines: HTTP 451", status=451)
    with pytest.raises(Blocked):
        candle_collector.refresh(market, "1h", first=50)
    assert Candle.objects.count() == 100
    del FakeMarket.prices[broken]
    Spent.objects.all().delete()
    assert candle_collector.refresh(market, "1h", first=50).written == 50
    assert Candle.objects.count() == 150


def test_before_the_very_first_candles_the_list_of_what_is_traded_is_asked_for(
    market: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lists: list[str] = []

    def only_two(self: FakeMarket) -> set[str]:
        lists.append(self.code)
        self.allowed = 40
        return {"C:EURUSD", "X:BTCUSD"}

    monkeypatch.setattr(FakeMarket, "fetch_tickers", only_two)
    cycle = candle_collector.refresh(market, "1h", first=10)
    assert {question[0] for question in FakeMarket.asked} == {"C:EURUSD", "X:BTCUSD"}
    assert cycle.failed == {"C:XAUUSD": "not traded there"}
    assert "fake gives no candles of C:XAUUSD: not traded there" in caplog.text
    assert SyncStatus.objects.get().reason == "unknown"
    candle_collector.refresh(market, "4h", first=10)
    assert lists == ["fake"]
    assert rate_limit.state(market, Allowance(1000, 60)).limit == 40


def test_tries_again_are_taken_from_the_budget(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_BACKOFF", 0.0)
    monkeypatch.setattr(retry, "JITTER", 0.0)
    monkeypatch.setattr(candle_requests, "PATIENCE", 20.0)
    FakeMarket.prices["C:EURUSD"] = Unreachable("GET /klines: HTTP 503", status=503)
    with pytest.raises(Unreachable):
        candle_collector.refresh(market, "1h", first=2)
    assert len(FakeMarket.asked) == 4
    assert rate_limit.state(market, Allowance(1000, 60)).current_calls == 4
