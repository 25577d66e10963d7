"""One question to a source for many listings: what it writes, what it says of failures, when the source gets rest."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import fakeredis
import pytest
from django.db import DatabaseError
from django.test import Client

from charon.logs import JsonFormatter, TextFormatter
from markets import clock
from markets.models import Job, Listing, Quote, Source, Tick
from markets.records import Price
from markets.redis import client as redis_client
from miner import tasks
from miner.batch import run as batch_run
from miner.collect import prices as price_collector
from miner.collect import sync_status
from miner.fetch import cooldown, rate_limit, retry
from miner.fetch.call_window import Allowance
from miner.fetch.errors import Blocked, NoPlan, Refused, Unreachable
from miner.models import Poll, Spent, SyncStatus
from tests.markets_fake import FakeMarket, open_market

pytestmark = pytest.mark.django_db


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> Source:
    return open_market(monkeypatch)


@pytest.fixture
def redis_server(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    client = fakeredis.FakeRedis()
    settings.REDIS_URL = "redis://fake"
    monkeypatch.setattr(redis_client, "get_redis_connection", lambda _: client)
    return client


def states() -> dict[str, tuple[str, str]]:
    return {row.listing.ticker: (row.state, row.reason) for row in SyncStatus.objects.select_related("listing")}


def test_prices_become_quotes_ticks_and_states(market: Source) -> None:
    FakeMarket.prices.update({"X:BTCUSD": Decimal("90000.5"), "C:EURUSD": Decimal("1.0834"), "C:XAUUSD": Decimal(4100)})
    result = price_collector.refresh(market, price_collector.due(market))
    assert sorted(result.updated) == ["BTCUSD", "EURUSD", "XAUUSD"]
    assert (Quote.objects.count(), Tick.objects.count()) == (3, 3)
    assert set(states().values()) == {("success", "")}
    assert FakeMarket.asked == [("C:EURUSD", "C:XAUUSD", "X:BTCUSD")]


def test_the_message_is_exactly_the_contract(market: Source, redis_server: Any, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")
    FakeMarket.prices["X:BTCUSD"] = Decimal("90000.50")
    ear = redis_server.pubsub()
    ear.psubscribe("asset:update:*")
    price_collector.refresh(market, price_collector.due(market))
    (message,) = [one for one in iter(ear.get_message, None) if one["type"] == "pmessage"]
    assert message["channel"] == b"asset:update:BTCUSD"
    assert json.loads(message["data"], parse_float=Decimal) == {
        "type": "price_update",
        "symbol": "BTCUSD",
        "data": {
            "bid": Decimal("90000.5"),
            "ask": Decimal("90001.5"),
            "spread": Decimal(1),
            "last_price": Decimal("90000.5"),
            "timestamp": "2026-11-20T12:00:00+00:00",
        },
    }


def test_what_the_source_leaves_out_has_no_data(market: Source) -> None:
    FakeMarket.prices["X:BTCUSD"] = Decimal(90000)
    result = price_collector.refresh(market, price_collector.due(market))
    assert result.failed == {"EURUSD": "No data", "XAUUSD": "No data"}
    assert states()["C:EURUSD"] == ("failed", "no_data")
    assert states()["X:BTCUSD"] == ("success", "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"price": Decimal(-1)}, "price -1: not above zero"),
        ({"observed_at": datetime(2999, 1, 1, tzinfo=UTC)}, "of 2999-01-01T00:00:00+00:00, ahead of our clock"),
        ({"bid": Decimal(9), "ask": Decimal(8)}, "bid 9 above ask 8"),
    ],
)
@pytest.mark.parametrize(("ticker", "code"), [("C:EURUSD", "EURUSD"), ("X:BTCUSD", "BTCUSD")])
def test_a_price_that_is_refused_is_told_to_nobody_and_is_no_success(
    market: Source,
    redis_server: Any,
    monkeypatch: pytest.MonkeyPatch,
    ticker: str,
    code: str,
    changes: dict[str, Any],
    reason: str,
) -> None:
    bad = replace(Price(ticker, Decimal(8), clock.now()), **changes)
    good = Price("C:XAUUSD", Decimal(4100), clock.now())
    monkeypatch.setattr(FakeMarket, "fetch_quotes", lambda *_: [bad, good])
    ear = redis_server.pubsub()
    ear.psubscribe("asset:update:*")
    result = price_collector.refresh(market, price_collector.due(market))
    assert (result.updated, len(result.refused), [told for told, _ in result.prices]) == (["XAUUSD"], 1, ["XAUUSD"])
    assert result.failed[code] == f"{ticker}: {reason}"
    assert (states()[ticker], states()["C:XAUUSD"]) == (("failed", "refused"), ("success", ""))
    messages = [one["channel"] for one in iter(ear.get_message, None) if one["type"] == "pmessage"]
    assert messages == [b"asset:update:XAUUSD"]
    assert Quote.objects.get().instrument.code == "XAUUSD"


def test_a_batch_counts_a_refused_price_as_failed(market: Source) -> None:
    FakeMarket.prices.update({"X:BTCUSD": Decimal(-1), "C:EURUSD": Decimal("1.08"), "C:XAUUSD": Decimal(4100)})
    result = batch_run.run()
    assert result is not None
    assert sorted(result.priority_updated) == ["EURUSD", "XAUUSD"]
    assert [row["symbol"] for row in result.priority_failed] == ["BTCUSD"]


def test_a_failure_is_told_of_every_listing_and_the_source_gets_a_rest(market: Source) -> None:
    FakeMarket.prices["C:EURUSD"] = NoPlan("GET /snapshot: HTTP 403", 403)
    result = price_collector.refresh(market, price_collector.due(market))
    assert isinstance(result.error, NoPlan)
    assert set(states().values()) == {("failed", "no_plan")}
    assert cooldown.is_cooling_down(market)


def test_a_wait_that_the_source_asked_for_is_kept(market: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")
    FakeMarket.prices["C:EURUSD"] = Unreachable("GET /x: HTTP 429", retry_after=120)
    price_collector.refresh(market, price_collector.due(market))
    assert Spent.objects.get().blocked_until == clock.now() + timedelta(seconds=120)


def test_the_rest_doubles_and_a_success_ends_the_count(market: Source, at: Callable[[str], None]) -> None:
    rests = []
    for minute in range(4):
        at(f"2026-11-20 13:{minute * 12:02}")
        cooldown.failed(market)
        until = Spent.objects.get().blocked_until
        assert until is not None
        rests.append((until - clock.now()).total_seconds())
    assert rests == [30, 60, 120, 240]
    rate_limit.answered(market)
    assert Spent.objects.get().failures == 0


def test_a_blocked_country_rests_a_day(market: Source, caplog: pytest.LogCaptureFixture) -> None:
    FakeMarket.prices["C:EURUSD"] = Blocked("GET /x: HTTP 451", 451)
    assert tasks.quotes("fake") == "failed"
    market.refresh_from_db()
    assert market.paused_until is not None
    assert market.paused_until > clock.now() + timedelta(hours=23)
    assert tasks.quotes("fake") == "off"
    assert caplog.text.count("does not serve this country") == 1
    assert Job.objects.get(status="failed").reason == "blocked"


def test_a_budget_used_up_by_a_neighbour_is_no_call_and_no_rest(market: Source) -> None:
    rate_limit.take(market, Allowance(10, 60), 10)
    result = price_collector.refresh(market, price_collector.due(market))
    assert (FakeMarket.asked, result.calls) == ([], 0)
    assert set(states().values()) == {("failed", "budget")}
    assert not cooldown.is_cooling_down(market)


def test_beats_of_an_hour_are_one_job_and_a_failed_one_has_its_own(market: Source, at: Callable[[str], None]) -> None:
    FakeMarket.prices["X:BTCUSD"] = Decimal(90000)
    for minute in (1, 2, 3):
        at(f"2026-11-20 13:0{minute}")
        tasks.quotes("fake")
    row = Job.objects.get()
    assert (row.job_type, row.status, row.rows_written, row.requests) == ("fake.quotes", "success", 3, 3)
    assert row.details == {"beats": 3, "errors": 6}
    for minute in (10, 20):
        at(f"2026-11-20 13:{minute}")
        FakeMarket.prices["X:BTCUSD"] = Unreachable("GET /x: no answer in time")
        assert tasks.quotes("fake") == "failed"
    failed = Job.objects.get(status="failed")
    assert (failed.reason, failed.repeats, failed.error) == ("unreachable", 1, "Unreachable: GET /x: no answer in time")
    at("2026-11-20 14:01")
    FakeMarket.prices["X:BTCUSD"] = Decimal(90000)
    tasks.quotes("fake")
    assert Job.objects.filter(status="success").count() == 2


def test_a_beat_writes_down_how_it_went(market: Source) -> None:
    Poll.objects.create(name="fake.quotes", every=30)
    FakeMarket.prices["X:BTCUSD"] = Decimal(90000)
    tasks.quotes("fake")
    done = Poll.objects.get(name="fake.quotes").done_at
    assert done is not None
    FakeMarket.prices["X:BTCUSD"] = NoPlan("GET /x: HTTP 403", 403)
    assert tasks.quotes("fake") == "failed"
    row = Poll.objects.get(name="fake.quotes")
    assert (row.done_at, row.error) == (done, "GET /x: HTTP 403")


def test_a_beat_whose_source_is_away_is_a_line_in_the_log_and_asks_once(
    market: Source, caplog: pytest.LogCaptureFixture
) -> None:
    FakeMarket.prices["X:BTCUSD"] = Unreachable("GET /x: ConnectError", nobody=True)
    assert tasks.quotes("fake") == "failed"
    assert len(FakeMarket.asked) == 1
    told = [record for record in caplog.records if record.name == "miner.pulse.results"]
    assert [(one.getMessage(), one.exc_info) for one in told] == [("fake.quotes failed: GET /x: ConnectError", None)]


def test_a_success_is_stale_after_two_and_a_half_beats(market: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00:00")
    FakeMarket.prices["X:BTCUSD"] = Decimal(90000)
    price_collector.refresh(market, price_collector.due(market))
    row = SyncStatus.objects.get(listing__ticker="X:BTCUSD")
    at("2026-11-20 13:01:15")
    assert sync_status.state_of(row, 30) == "success"
    at("2026-11-20 13:01:16")
    assert sync_status.state_of(row, 30) == "stale"
    at("2026-11-20 12:58")
    assert sync_status.state_of(row, 30) == "stale", "of a clock that was ahead"


def test_what_is_not_followed_is_not_asked_for(market: Source) -> None:
    Listing.objects.exclude(ticker="X:BTCUSD").update(tracked=False)
    FakeMarket.prices["X:BTCUSD"] = Decimal(90000)
    tasks.quotes("fake")
    assert FakeMarket.asked == [("X:BTCUSD",)]


# What a try costs, and what a kill leaves behind


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits before the next try."""
    monkeypatch.setattr(retry, "FIRST_BACKOFF", 0.0)
    monkeypatch.setattr(retry, "JITTER", 0.0)


def test_another_try_is_taken_from_the_budget_and_there_is_none_without_it(
    market: Source, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeMarket, "limit", 2)
    FakeMarket.prices["C:EURUSD"] = Unreachable("GET /x: HTTP 503", status=503)
    result = price_collector.refresh(market, price_collector.due(market))
    assert (len(FakeMarket.asked), result.calls) == (2, 2)
    assert str(result.error) == "GET /x: HTTP 503"
    assert rate_limit.state(market, Allowance(2, 60)).current_calls == 2


def test_who_asks_too_often_is_not_asked_again(market: Source, at_once: None) -> None:
    FakeMarket.prices["C:EURUSD"] = Unreachable("GET /x: HTTP 429", retry_after=0.01, status=429)
    price_collector.refresh(market, price_collector.due(market))
    assert len(FakeMarket.asked) == 1
    assert Spent.objects.get().blocked_until is not None


def test_calls_that_nobody_foresaw_are_in_the_budget(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(self: FakeMarket, tickers: list[str]) -> list[Price]:
        self.calls += 4
        return []

    monkeypatch.setattr(FakeMarket, "fetch_quotes", fetch)
    assert price_collector.refresh(market, price_collector.due(market)).calls == 4
    assert rate_limit.state(market, Allowance(10, 60)).current_calls == 4


def test_a_bad_request_is_about_one_ticker_and_gives_the_source_no_rest(market: Source) -> None:
    FakeMarket.prices["C:EURUSD"] = Refused("GET /x: HTTP 400", 400)
    price_collector.refresh(market, price_collector.due(market))
    assert not cooldown.is_cooling_down(market)


def test_who_was_killed_at_work_is_not_at_work_for_ever(market: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")
    listing = Listing.objects.get(ticker="X:BTCUSD")
    sync_status.mark([listing], SyncStatus.State.IN_PROGRESS)
    row = SyncStatus.objects.get()
    assert sync_status.state_of(row, 300) == "in_progress"
    at("2026-11-20 13:03")
    assert sync_status.state_of(row, 300) == "pending"
    row.last_success_at = clock.now() - timedelta(minutes=5)
    assert sync_status.state_of(row, 300) == "success"
    row.last_success_at = clock.now() - timedelta(minutes=13)
    assert sync_status.state_of(row, 300) == "stale"


def test_a_fault_of_the_program_ends_the_beat_with_its_words(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    Poll.objects.create(name="fake.quotes", every=30)
    FakeMarket.prices["X:BTCUSD"] = Decimal(90000)

    def broken(*_: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(price_collector, "save_prices", broken)
    with pytest.raises(DatabaseError):
        tasks.quotes("fake")
    assert Poll.objects.get(name="fake.quotes").error == "DatabaseError: disk full"


@pytest.mark.slow
def test_a_key_stands_in_no_row_no_log_no_message_and_no_page(
    market: Source,
    client: Client,
    at_once: None,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    redis_server: Any,
) -> None:
    key = settings.POLYGON_API_KEY = "pk_live_Zx81"
    for error in (
        Unreachable(f"GET /x?apiKey={key}: HTTP 503"),
        Refused(f"Authorization: {key} was refused", 401),
        RuntimeError(f"https://user:{key}@api.example/x"),
    ):
        FakeMarket.prices["C:EURUSD"] = error
        Spent.objects.all().delete()
        with suppress(Exception):
            tasks.quotes("fake")
        batch_run.run()
    logs = [form().format(record) for form in (TextFormatter, JsonFormatter) for record in caplog.records]
    tables = [model.objects.values() for model in (Job, SyncStatus, Poll, Spent, Source)]
    log = redis_server.xrange("redis:message_log")
    pages = [client.get(path).content for path in ("/miner/", "/status/", "/jobs", "/batch/status", "/sources")]
    assert "//***@api.example" in "".join(logs)
    assert Job.objects.filter(status="failed", repeats__gt=0).exists()
    assert log
    assert key not in f"{[list(rows) for rows in tables]} {log} {logs} {pages}"
