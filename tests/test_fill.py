"""A range of the past by an operator's wish: what each task brings, where it goes on, what stops it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from markets import clock
from markets.jobs import runs
from markets.models import Candle, Job, Listing, Publication, Quote, Source, Tick
from miner import backfill, sources
from miner.fetch import cooldown, http, rate_limit
from miner.fetch.errors import UnknownTicker, Unreachable
from miner.models import Spent
from miner.providers.coingecko import CoinGecko as CoinGeckoProvider
from tests import replica as replicas
from tests import synced
from tests.markets_fake import FakeMarket, open_market
from tests.replica import Binance, CoinGecko, Deribit, Replica, Server

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 10, 26, 12, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)
Play = Callable[..., AbstractContextManager[Server[Any]]]


@pytest.fixture
def play(outgoing: set[tuple[str, int]], settings: Any, at: Callable[[str], None]) -> Iterator[Play]:
    """A service on this machine at noon; the house's clock is the same."""
    at("2026-10-26 13:00:30")

    @contextmanager
    def run(service: Any) -> Iterator[Server[Any]]:
        with replicas.run(service, now=NOW) as server:
            outgoing.add(("127.0.0.1", server.port))
            setattr(settings, f"{service.name.upper()}_BASE_URL", server.url)
            yield server

    synced.sync()
    yield run
    http.client().close()


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> Source:
    at("2026-10-26 13:00:30")
    monkeypatch.setattr(FakeMarket, "limit", 0)
    monkeypatch.setattr("miner.collect.candle_requests.CONNECTIONS", 1)
    return open_market(monkeypatch)


def rotating() -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """What the miner is asked for; the brain has tasks of its own."""
    packages = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]
    tasks = [(task["func"], tuple(task["args"]), task.get("kwargs", {})) for task in packages]
    return [task for task in tasks if task[0].startswith("miner.")]


def work_off() -> list[str]:
    """Do what the queue holds, and what that asks for; what each task answered."""
    answers = []
    while todo := rotating():
        OrmQ.objects.all().delete()
        for func, args, state in todo:
            answers.append(getattr(backfill, func.removeprefix("miner.backfill."))(*args, **state))
        assert len(answers) < 100, "the tasks ask for each other for ever"
    return answers


def of(code: str) -> Source:
    return Source.objects.get(code=code)


def follow(source: Source, *tickers: str) -> None:
    Listing.objects.filter(source=source).update(tracked=False)
    assert Listing.objects.filter(source=source, ticker__in=tickers).update(tracked=True) == len(tickers)


def days(count: int) -> tuple[date, date]:
    return (NOW - count * DAY).date(), NOW.date()


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("nbp", [("miner.backfill.tables", ["A", "gold", "C", "B"])]),
        ("coingecko", [("miner.backfill.prices", ["bitcoin", "ethereum"])]),
        ("binance", [("miner.backfill.candles", ["5m", "1h", "4h"])]),
    ],
)
def test_a_range_asks_for_all_that_the_source_keeps_a_past_of(play: Play, code: str, wanted: list[Any]) -> None:
    start, end = days(9)
    assert backfill.enqueue(of(code), start, end)
    assert rotating() == [(func, (code, names, start, end), {}) for func, names in wanted]


def test_a_source_that_keeps_no_past_is_asked_nothing(play: Play) -> None:
    assert not backfill.enqueue(of("polygon"), *days(9))
    assert rotating() == []


def test_now_asks_for_what_the_source_says_at_the_moment(play: Play) -> None:
    for code in ("nbp", "deribit", "binance"):
        backfill.now(of(code))
    assert [(func, args) for func, args, _ in rotating()] == [
        ("miner.tasks.mine", ("nbp",)), ("miner.tasks.quotes", ("deribit",)), ("miner.tasks.quotes", ("binance",)),
        *(("miner.tasks.candles", ("binance", timeframe)) for timeframe in ("5m", "1h", "4h")),
    ]  # fmt: skip


# Tables


@pytest.mark.slow
def test_tables_are_brought_one_a_task(nbp: Source, replica: Replica, at: Callable[[str], None]) -> None:
    at("2026-10-26 13:00")
    backfill.enqueue(nbp, date(2024, 1, 2), date(2024, 1, 5))
    assert work_off() == ["success"] * 4
    days = Publication.objects.filter(source=nbp)
    assert set(days.values_list("effective_date", flat=True)) == {date(2024, 1, day) for day in (2, 3, 4, 5)}
    assert set(days.values_list("table", flat=True)) == {"A", "B", "C", "gold"}
    assert set(Job.objects.values_list("trigger", flat=True)) == {"operator"}


def test_a_long_range_goes_on_where_the_task_before_stopped(
    nbp: Source, replica: Replica, settings: Any, at: Callable[[str], None]
) -> None:
    at("2026-10-26 13:00")
    settings.TASK_WORK, settings.NBP_CONNECTIONS = timedelta(0), 1
    assert backfill.tables("nbp", ["gold"], date(2023, 1, 2), date(2023, 12, 29)) == "running"
    ((_, _, state),) = rotating()
    assert state["at"] == date(2023, 4, 2)
    assert work_off() == ["running", "running", "success"]
    job = Job.objects.get()
    assert (job.status, job.windows_done, job.reached) == ("success", job.windows, date(2023, 12, 29))
    assert Publication.objects.filter(source=nbp, table="gold").count() == 251


@pytest.mark.slow
def test_after_a_table_that_failed_the_others_are_brought(
    nbp: Source, replica: Replica, at: Callable[[str], None]
) -> None:
    at("2026-10-26 13:00")
    replica.set_script([{"path": "tables/A", "status": 400, "body": "400 BadRequest"}])
    backfill.enqueue(nbp, date(2024, 1, 2), date(2024, 1, 5))
    assert work_off() == ["failed", "success", "success", "success"]
    assert list(Job.objects.exclude(status="success").values_list("job_type", "reason")) == [("nbp.A", "refused")]


@pytest.mark.parametrize("kind", ["tables", "prices", "candles"])
def test_a_source_that_was_switched_off_meanwhile_is_left_alone(market: Source, kind: str) -> None:
    Source.objects.update(enabled=False)
    job = runs.start("fake.history", market, Job.Trigger.OPERATOR)
    Job.objects.update(worker="", lease_until=clock.now() + DAY)
    assert "switched off" in getattr(backfill, kind)("fake", ["A"], *days(3), job=job.pk)
    assert (Job.objects.get().status, Job.objects.get().reason) == ("failed", "stopped")
    assert FakeMarket.asked == []


# Prices


def test_the_past_of_a_coin_becomes_ticks_and_leaves_the_newest_price_alone(play: Play) -> None:
    with play(CoinGecko()) as service:
        assert backfill.prices("coingecko", ["bitcoin"], *days(30)) == "success"
        assert len(service.requests) == 1
    times = Tick.objects.order_by("observed_at").values_list("observed_at", flat=True)
    assert times[0] - (NOW - 30 * DAY).replace(hour=0, minute=0, second=0) < timedelta(hours=1)
    assert len(times) > 700, "hourly for less than 90 days"
    job = Job.objects.get()
    assert (job.job_type, job.status, job.rows_written, job.requests) == ("coingecko.history", "success", len(times), 1)
    assert Quote.objects.get().observed_at == list(times)[-1]


def test_more_than_the_source_reaches_back_is_not_asked_for(play: Play) -> None:
    with play(CoinGecko()):
        assert backfill.prices("coingecko", ["bitcoin"], date(2020, 1, 1), NOW.date()) == "success"
    assert 360 <= Tick.objects.count() <= 366
    assert CoinGeckoProvider.history_days == 365


def test_a_range_before_all_memory_is_up_to_date(play: Play) -> None:
    with play(CoinGecko()) as service:
        assert backfill.prices("coingecko", ["bitcoin"], date(2020, 1, 1), date(2020, 2, 1)) == "skipped"
        assert service.requests == []


def test_an_index_brings_what_its_chart_holds(play: Play) -> None:
    with play(Deribit()):
        assert backfill.prices("deribit", ["btc_usd", "eth_usd"], *days(20)) == "success"
    for code in ("BTCUSD", "ETHUSD"):
        assert Tick.objects.filter(instrument__code=code).count() > 200


def test_a_coin_that_is_unknown_is_left_out_and_the_others_are_brought(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    with play(CoinGecko()) as service:
        service.set_script([{"tell": ["delist", "bitcoin"]}])
        assert backfill.prices("coingecko", ["bitcoin", "ethereum"], *days(5)) == "success"
    assert set(Tick.objects.values_list("instrument__code", flat=True)) == {"ETHUSD"}
    assert "bitcoin is not known at coingecko" in caplog.text
    assert Job.objects.get().notes == ["refused: bitcoin: no coin bitcoin"]


def test_prices_go_on_with_the_next_ticker_when_the_time_is_over(play: Play, settings: Any) -> None:
    settings.TASK_WORK = timedelta(0)
    with play(CoinGecko()):
        assert backfill.prices("coingecko", ["bitcoin", "ethereum"], *days(3)) == "running"
        ((func, args, _),) = rotating()
        assert (func, args[1]) == ("miner.backfill.prices", ["ethereum"])
        assert work_off() == ["success"]
    job = Job.objects.get()
    assert (job.windows, job.windows_done, job.requests) == (2, 2, 2)


def test_a_budget_that_is_used_up_is_waited_for(play: Play, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        Spent.objects.update(takes=[])

    with play(CoinGecko()):
        row = of("coingecko")
        rate_limit.take(row, sources.allowance_of(row), 10)
        monkeypatch.setattr(time, "sleep", sleep)
        assert backfill.prices("coingecko", ["bitcoin"], *days(3)) == "success"
    assert len(slept) == 1
    assert 20 < slept[0] <= 28, "no longer than the task may last"


def test_a_source_that_wants_a_long_rest_ends_the_work(play: Play) -> None:
    cooldown.block(of("coingecko"), 3600)
    with play(CoinGecko()) as service:
        assert backfill.prices("coingecko", ["bitcoin"], *days(3)) == "failed"
        assert service.requests == []
    assert "coingecko is cooling down until" in Job.objects.get().error


def test_too_many_calls_give_the_source_the_rest_that_it_asked_for(play: Play) -> None:
    with play(CoinGecko()) as service:
        service.set_script([{"status": 429, "body": "{}", "headers": {"Retry-After": "300"}}])
        assert backfill.prices("coingecko", ["bitcoin"], *days(3)) == "failed"
    assert Spent.objects.get().blocked_until == clock.now() + timedelta(seconds=300)
    assert Job.objects.get().reason == "unreachable"


def test_the_same_back_fill_twice_at_once_is_busy(play: Play) -> None:
    runs.start("coingecko.history", of("coingecko"), Job.Trigger.OPERATOR)
    assert backfill.prices("coingecko", ["bitcoin"], *days(3)) == "busy"


# Candles


@pytest.mark.slow
def test_candles_come_from_the_day_that_was_named(play: Play) -> None:
    follow(of("binance"), "BTCUSDT", "ETHUSDT")
    with play(Binance()) as service:
        assert backfill.candles("binance", ["1h"], *days(100)) == "success"
        assert len(service.requests) == 6, "2,412 hours of two symbols, a thousand a call"
    for code in ("BTCUSDT", "ETHUSDT"):
        rows = Candle.objects.filter(instrument__code=code, timeframe="1h").order_by("open_time")
        assert rows.count() == 2413
        assert rows[0].open_time == datetime.combine(days(100)[0], datetime.min.time(), UTC)
        assert [row.closed for row in rows][-2:] == [True, False]


def test_each_timeframe_is_a_task_of_its_own(market: Source) -> None:
    backfill.enqueue(market, *days(2))
    assert work_off() == ["success"] * 3
    assert list(Job.objects.order_by("pk").values_list("job_type", flat=True)) == [
        "fake.fill.5m", "fake.fill.1h", "fake.fill.4h",
    ]  # fmt: skip
    counts = {
        row: Candle.objects.filter(timeframe=row, instrument__code="BTCUSD").count() for row in ("5m", "1h", "4h")
    }
    assert counts == {"5m": 721, "1h": 61, "4h": 16}


def test_the_end_of_the_range_is_the_end_of_its_last_day(market: Source) -> None:
    backfill.candles("fake", ["1h"], date(2026, 10, 20), date(2026, 10, 21))
    times = Candle.objects.order_by("open_time").values_list("open_time", flat=True)
    assert (times[0], list(times)[-1]) == (datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 10, 21, 23, tzinfo=UTC))


def test_a_symbol_that_was_listed_inside_the_range_ends_with_it(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = FakeMarket.fetch_candles

    def late(self: FakeMarket, ticker: str, timeframe: str, start: datetime | None = None, limit: int = 1000) -> Any:
        return fetch(self, ticker, timeframe, datetime(2026, 10, 21, 12, tzinfo=UTC), limit)

    monkeypatch.setattr(FakeMarket, "fetch_candles", late)
    backfill.candles("fake", ["1h"], date(2026, 10, 20), date(2026, 10, 21))
    times = Candle.objects.filter(instrument__code="BTCUSD").values_list("open_time", flat=True)
    assert len(times) == 12
    assert max(times) == datetime(2026, 10, 21, 23, tzinfo=UTC)


def test_what_the_next_night_would_delete_is_not_brought(market: Source, settings: Any) -> None:
    settings.RETENTION_DAYS = 2
    backfill.candles("fake", ["5m"], *days(60))
    assert Candle.objects.order_by("open_time")[0].open_time == datetime(2026, 10, 24, 12, 0, tzinfo=UTC)


@pytest.mark.slow
def test_candles_go_on_from_the_stretch_that_was_reached(market: Source, settings: Any) -> None:
    settings.TASK_WORK = timedelta(0)
    assert backfill.candles("fake", ["1h"], *days(100)) == "running"
    ((_, args, state),) = rotating()
    assert args[1] == ["1h"]
    assert state["at"] == datetime.combine(days(100)[0], datetime.min.time(), UTC) + timedelta(hours=1000)
    assert work_off() == ["running", "success"]
    job = Job.objects.get()
    assert (job.windows, job.windows_done, job.requests) == (3, 3, 9)
    assert Candle.objects.filter(instrument__code="BTCUSD").count() == 2413


@pytest.mark.slow
def test_a_symbol_that_was_listed_later_is_not_asked_before(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, fetch = NOW - 40 * DAY, FakeMarket.fetch_candles

    def late(self: FakeMarket, ticker: str, timeframe: str, start: datetime | None = None, limit: int = 1000) -> Any:
        later = ticker == "C:XAUUSD" and start is not None and start < listed
        return fetch(self, ticker, timeframe, listed.replace(minute=0, second=0) if later else start, limit)

    monkeypatch.setattr(FakeMarket, "fetch_candles", late)
    backfill.candles("fake", ["1h"], *days(200))
    asked = Counter(question[0] for question in FakeMarket.asked)
    assert asked == {"X:BTCUSD": 5, "C:EURUSD": 5, "C:XAUUSD": 3}
    assert Candle.objects.filter(instrument__code="XAUUSD").count() == 961
    assert Candle.objects.filter(instrument__code="BTCUSD").count() == 4813


def test_a_symbol_that_is_not_traded_is_left_out(market: Source) -> None:
    FakeMarket.prices["C:EURUSD"] = UnknownTicker("no symbol C:EURUSD", 400)
    assert backfill.candles("fake", ["4h"], *days(9)) == "success"
    assert set(Candle.objects.values_list("instrument__code", flat=True)) == {"BTCUSD", "XAUUSD"}
    assert Job.objects.get().notes == ["refused: C:EURUSD 4h from 2026-10-17 00:00: no symbol C:EURUSD"]


@pytest.mark.slow
def test_a_failure_of_the_source_keeps_what_was_brought(market: Source, settings: Any) -> None:
    settings.TASK_WORK = timedelta(0)
    backfill.candles("fake", ["1h"], *days(100))
    FakeMarket.prices["X:BTCUSD"] = Unreachable("GET /klines: HTTP 503", status=503)
    assert work_off() == ["running", "failed"]
    job = Job.objects.get()
    assert (job.status, job.reason, job.windows_done) == ("failed", "unreachable", 3)
    assert Candle.objects.filter(instrument__code="BTCUSD").count() == 1000


def test_figures_that_are_there_cost_no_second_row(market: Source) -> None:
    FakeMarket.prices["X:BTCUSD"] = Decimal(100)
    backfill.candles("fake", ["4h"], *days(9))
    before = Candle.objects.count()
    backfill.candles("fake", ["4h"], *days(9))
    assert Candle.objects.count() == before
    assert Job.objects.order_by("-pk")[0].rows_written == 0


def test_nothing_that_is_followed_is_nothing_to_do(market: Source) -> None:
    Listing.objects.update(tracked=False)
    assert backfill.candles("fake", ["4h"], *days(9)) == "skipped"
