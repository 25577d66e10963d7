"""Old prices make room, what they came to stays, official rates are never touched."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets.models import Candle, Job, OutboxEvent, Quote, Rate, Revision, Source, Tick
from markets.records import Price, RateRecord, Table
from markets.store import retention
from markets.store.prices import prune, save_bars, save_prices
from markets.store.publish import publish
from tests.market import NOW, bar, instrument, source
from tests.news import news

pytestmark = pytest.mark.django_db
DAYS = 30
OLD = NOW - timedelta(days=40)
YOUNG = datetime(2026, 9, 26, tzinfo=UTC)  # the first moment of the 30 whole days that stay


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")


@pytest.fixture
def gecko(db: None) -> Source:
    return source("coingecko")


def price_of(value: str, moment: datetime, ticker: str = "bitcoin") -> Price:
    return Price(ticker, Decimal(value), moment)


def candles(timeframe: str) -> list[tuple[Any, ...]]:
    columns = ("open_time", "open", "high", "low", "close", "volume", "closed", "synthetic", "pieces")
    rows = Candle.objects.filter(timeframe=timeframe).order_by("instrument", "open_time")
    return list(rows.values_list(*columns))


def test_retention_task_removes_old_rows(gecko: Source) -> None:
    save_prices([price_of("100", OLD), price_of("101", YOUNG - timedelta(seconds=1)), price_of("102", YOUNG)], gecko)
    outcome = prune(DAYS)
    assert (outcome.ticks, outcome.finished) == (2, True)
    assert list(Tick.objects.values_list("price", flat=True)) == [102]
    assert Quote.objects.get().price == 102


def test_hours_and_days_are_kept_of_the_prices_that_go(gecko: Source) -> None:
    day = datetime(2026, 9, 1, tzinfo=UTC)
    said = [("8:05", "100"), ("8:30", "120.5"), ("8:45", "90"), ("8:59", "110"), ("21:00", "115")]
    moments = [day + timedelta(hours=int(at.split(":")[0]), minutes=int(at.split(":")[1])) for at, _ in said]
    save_prices([price_of(value, moment) for moment, (_, value) in zip(moments, said, strict=True)], gecko)
    save_prices([price_of("7", day, "ethereum")], gecko)
    assert prune(DAYS).rolled_up == 5
    assert not Tick.objects.exists()
    assert candles("1h") == [
        (day + timedelta(hours=8), 100, Decimal("120.5"), 90, 110, None, True, True, 9),
        (day + timedelta(hours=21), 115, 115, 115, 115, None, True, True, 3),
        (day, 7, 7, 7, 7, None, True, True, 3),
    ]
    assert candles("1d") == [
        (day, 100, Decimal("120.5"), 90, 115, None, True, True, 12),
        (day, 7, 7, 7, 7, None, True, True, 3),
    ]


def test_what_a_source_published_stands_and_the_rest_is_made_of_its_five_minutes(db: None) -> None:
    binance = source("binance", ["BTCUSDT"])
    small = {"timeframe": "5m", "volume": "1.5"}
    five = [bar(f"2026-09-01 {hour:02}:{minute:02}", "100", str(110 + minute), "90", "105", **small)
            for hour in (8, 9) for minute in range(0, 60, 5)]  # fmt: skip
    save_bars([*five, bar("2026-09-01 08:00", "1", "999", "1", "2", volume="77")], binance)
    save_prices([Price("BTCUSDT", Decimal(5), datetime(2026, 9, 1, 23, tzinfo=UTC))], binance)
    outcome = prune(DAYS)
    assert (outcome.ticks, outcome.candles) == (1, 24)
    eight, nine = datetime(2026, 9, 1, 8, tzinfo=UTC), datetime(2026, 9, 1, 9, tzinfo=UTC)
    assert candles("5m") == []
    assert candles("1h") == [
        (eight, 1, 999, 1, 2, 77, True, False, None),
        (nine, 100, 165, 90, 105, 18, True, False, 12),
    ], "a price between candles makes no candle"
    assert candles("1d") == [(datetime(2026, 9, 1, tzinfo=UTC), 1, 999, 1, 105, 95, True, False, 24)]


def test_candles_of_hours_and_days_and_young_ones_stay(db: None) -> None:
    binance = source("binance", ["BTCUSDT"])
    kept = [bar("2026-01-01 08:00"), bar("2026-01-01 08:00", timeframe="4h"), bar("2026-01-01 00:00", timeframe="1d"),
            bar("2026-10-20 08:05", timeframe="5m")]  # fmt: skip
    save_bars(kept, binance)
    assert prune(DAYS) == retention.Pruned()
    assert Candle.objects.count() == 4


def test_pruning_twice_is_pruning_once(gecko: Source) -> None:
    save_prices([price_of(str(100 + hour), OLD + timedelta(hours=hour)) for hour in range(30)], gecko)
    prune(DAYS)
    before = candles("1h"), candles("1d")
    assert prune(DAYS) == retention.Pruned()
    assert (candles("1h"), candles("1d")) == before
    assert len(before[0]) == 30


def test_prices_that_arrive_late_add_to_the_day_and_leave_its_hours_alone(gecko: Source) -> None:
    day = datetime(2026, 9, 1, tzinfo=UTC)
    save_prices([price_of("100", day + timedelta(hours=8))], gecko)
    prune(DAYS)
    late = [price_of("500", day + timedelta(hours=8, minutes=30)), price_of("200", day + timedelta(hours=20))]
    save_prices(late, gecko)
    prune(DAYS)
    assert [row[2] for row in candles("1h")] == [100, 200]
    assert [row[1:5] for row in candles("1d")] == [(100, 200, 100, 200)]


def test_a_kill_in_the_middle_of_a_day_loses_nothing_of_it(gecko: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    save_prices([price_of("100", OLD), price_of("101", OLD + timedelta(days=1))], gecko)
    delete, calls = retention.delete, []

    def killed(rows: Any, batch: int = 5000) -> int:
        calls.append(rows.model)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return delete(rows, batch)

    monkeypatch.setattr(retention, "delete", killed)
    with pytest.raises(KeyboardInterrupt):
        prune(DAYS)
    assert Tick.objects.count() == 1
    assert len(candles("1h")) == 1
    monkeypatch.setattr(retention, "delete", delete)
    prune(DAYS)
    assert (Tick.objects.count(), len(candles("1h")), len(candles("1d"))) == (0, 2, 2)


def test_rows_go_in_batches(gecko: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 4)
    monkeypatch.setattr(retention.delete, "__defaults__", (4,))
    save_prices([price_of("100", OLD + timedelta(minutes=minute)) for minute in range(10)], gecko)
    with CaptureQueriesContext(connection) as queries:
        assert prune(DAYS).ticks == 10
    deletes = [query["sql"] for query in queries if query["sql"].startswith("DELETE") and "tick" in query["sql"]]
    assert len(deletes) == 4
    assert all("LIMIT 4" in sql for sql in deletes)


def test_a_run_stops_in_time_and_the_next_goes_on(gecko: Source) -> None:
    save_prices([price_of("100", OLD + timedelta(days=day)) for day in range(5)], gecko)
    outcome = prune(DAYS, seconds=-1)
    assert (outcome.finished, outcome.ticks, Tick.objects.count()) == (False, 0, 5)
    outcome = prune(DAYS)
    assert (outcome.finished, Tick.objects.count()) == (True, 0)


def test_official_rates_are_never_pruned(nbp: Source, job: Job) -> None:
    publish([Table("A", date(2002, 1, 2), [RateRecord("USD", mid=Decimal("3.9432"))], sha256="a" * 64)], nbp, job)
    prune(1)
    assert Rate.objects.get().publication is not None
    assert Quote.objects.get().price == Decimal("3.9432")


# Jobs


def ran(source: Source, kind: str, days_ago: float, status: str = "success") -> Job:
    moment = NOW - timedelta(days=days_ago)
    end = None if status == "running" else moment
    return Job.objects.create(job_type=kind, source=source, status=status, started_at=moment, finished_at=end)


def test_old_jobs_and_processed_rows_of_the_outbox_go(gecko: Source) -> None:
    old = ran(gecko, "gecko", 40)
    ran(gecko, "gecko", 1)
    OutboxEvent.objects.create(
        instrument=instrument("BTC"), kind="price", from_time=OLD, to_time=OLD, rows=1, job=old, processed=OLD
    )
    assert prune(DAYS).jobs == 1
    assert not news().exists()
    assert Job.objects.get().started_at == NOW - timedelta(days=1)


def test_jobs_that_somebody_needs_stay(gecko: Source, nbp: Source, job: Job) -> None:
    keeps_a_revision, is_waited_for = ran(gecko, "gecko", 45), ran(gecko, "gecko", 44)
    last_failure, goes = ran(gecko, "gecko", 43, "failed"), ran(gecko, "gecko", 42)
    last_success, runs = ran(gecko, "gecko", 41), ran(gecko, "gecko", 40, "running")
    publish([Table("A", date(2024, 1, 2), [RateRecord("USD", mid=Decimal("3.9432"))], sha256="a" * 64)], nbp, job)
    publish([Table("A", date(2024, 1, 2), [RateRecord("USD", mid=Decimal("3.9500"))], sha256="b" * 64)], nbp, job)
    Revision.objects.update(job=keeps_a_revision)
    news().filter(job=job).delete()
    OutboxEvent.objects.create(
        instrument=instrument("BTC"), kind="price", from_time=OLD, to_time=OLD, rows=1, job=is_waited_for
    )
    assert prune(DAYS).jobs == 1
    left = set(Job.objects.values_list("pk", flat=True))
    assert left == {keeps_a_revision.pk, is_waited_for.pk, last_failure.pk, last_success.pk, runs.pk, job.pk}
    assert goes.pk not in left
