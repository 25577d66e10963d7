"""The priority batch: critical instruments first, one failure stops nobody, another source stands in and is named."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from django_q.models import Schedule

from markets import clock
from markets.jobs import runs
from markets.models import Job, Listing, Quote, Source
from miner import schedule, tasks
from miner.batch import queue as batch_queue
from miner.batch import rotation
from miner.batch import run as batch_run
from miner.batch import status as batch_status
from miner.batch.result import BatchResult
from miner.fetch import rate_limit
from miner.fetch.call_window import Allowance
from miner.fetch.errors import Refused, Unreachable
from miner.models import QueueItem, SyncStatus
from tests.batch_market import Plan, StandIn, open_plan, secondary
from tests.markets_fake import open_market

pytestmark = pytest.mark.django_db


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, nbp: Source) -> Source:
    return open_plan(monkeypatch)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, market: Source) -> Source:
    source = open_market(monkeypatch, StandIn)
    Listing.objects.filter(source=source).update(priority=Listing.Priority.HIGH)
    StandIn.prices["btc_usd"] = Decimal(89990)
    return source


def failures_of(result: BatchResult) -> list[str]:
    return sorted(row["symbol"] for row in result.priority_failed)


def test_every_critical_instrument_is_updated_in_one_call_a_market(market: Source) -> None:
    result = batch_run.run("abc")
    assert result is not None
    assert sorted(result.priority_updated) == ["BTCUSD", "EURUSD", "XAUUSD"]
    assert sorted(Plan.asked) == [("C:EURUSD", "C:XAUUSD"), ("X:BTCUSD",)]
    job = Job.objects.get(job_type="batch.priority")
    assert (job.status, job.rows_written, job.requests) == ("success", 3, 2)
    assert set(batch_status.result_of(job)) >= {
        "batch_id", "started_at", "completed_at", "duration_ms", "priority_updated", "priority_failed",
        "queue_processed", "queue_remaining", "api_calls_used", "rate_limit_waits", "errors",
    }  # fmt: skip


def test_one_failure_does_not_stop_the_batch(market: Source) -> None:
    Plan.prices["C:XAUUSD"] = None
    Plan.prices["X:BTCUSD"] = Unreachable("GET /crypto: no answer in time")
    result = batch_run.run()
    assert result is not None
    assert result.priority_updated == ["EURUSD"]
    assert failures_of(result) == ["BTCUSD", "XAUUSD"]
    assert {"symbol": "XAUUSD", "error": "No data"} in result.errors
    assert Job.objects.get(job_type="batch.priority").status == "success"


@pytest.mark.slow
def test_begin_and_end_are_logged_with_duration_and_counts_also_of_one_that_breaks(
    market: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Plan.prices["C:XAUUSD"] = None
    with caplog.at_level("INFO", logger="miner.batch.run"):
        batch_run.run("first")
        monkeypatch.setattr(batch_run, "fallback_sources", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            batch_run.run("second")
    told = [re.sub(r"\d+\.\d s", "N s", row.getMessage()) for row in caplog.records if row.name == "miner.batch.run"]
    counts = "ended after N s: 2 updated, 1 failed, 2 calls"
    assert told == ["Batch first begins", f"Batch first {counts}", "Batch second begins", f"Batch second {counts}"]


def test_a_fault_of_the_program_in_one_group_stops_no_other(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    Plan.prices["X:BTCUSD"] = "no number at all"
    result = batch_run.run()
    assert result is not None
    assert sorted(result.priority_updated) == ["EURUSD", "XAUUSD"]
    assert SyncStatus.objects.get(listing__ticker="X:BTCUSD").reason == "error"


def test_another_source_stands_in_and_is_named(market: Source, stand_in: Source) -> None:
    Source.objects.filter(pk=market.pk).update(enabled=False)
    result = batch_run.run()
    assert result is not None
    assert result.priority_updated == ["BTCUSD"]
    assert result.fallbacks == {"BTCUSD": "standin"}
    states = {row.listing.ticker: (row.state, row.reason) for row in SyncStatus.objects.select_related("listing")}
    assert states["C:XAUUSD"] == ("pending", "off")


def test_a_source_without_its_key_is_pending_and_no_failure(
    market: Source, stand_in: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plan, "needs_key", True)
    Source.objects.filter(pk=market.pk).update(enabled=False)
    result = batch_run.run()
    assert result is not None
    assert result.priority_failed == []
    row = SyncStatus.objects.get(listing__ticker="C:XAUUSD")
    assert (row.state, row.reason, row.error) == ("pending", "no_key", "fake has no key")


def test_only_one_batch_runs_at_a_time(market: Source) -> None:
    runs.start("batch.priority", None, Job.Trigger.SCHEDULE)
    assert batch_run.run() is None
    assert Plan.asked == []


def test_the_queue_leaves_what_is_kept_for_the_critical(market: Source) -> None:
    secondary(market)
    assert tasks.enqueue_secondary() == 2
    result = rotation.process_queue(5)
    assert (result.queue_processed, result.queue_remaining) == (2, 0)
    tasks.enqueue_secondary()
    result = rotation.process_queue(5)
    assert (result.queue_processed, result.queue_remaining, QueueItem.objects.count()) == (0, 2, 2)
    assert {item.retry_count for item in QueueItem.objects.all()} == {0}
    for _ in range(3):
        rate_limit.take(market, Allowance(5, 60, 3), critical=True)


def test_a_failed_item_goes_back_less_urgent(market: Source) -> None:
    secondary(market)
    tasks.enqueue_secondary()
    Plan.prices["C:EURUSD"] = None
    rotation.process_queue(5)
    item = QueueItem.objects.get()
    assert (item.listing.ticker, item.priority, item.retry_count, item.last_error) == ("C:EURUSD", 4, 1, "No data")


def test_an_item_that_is_followed_no_more_is_done(market: Source) -> None:
    secondary(market)
    tasks.enqueue_secondary()
    Listing.objects.update(tracked=False)
    assert rotation.process_queue(5).queue_processed == 0
    assert batch_queue.is_empty()
    assert Plan.asked == []


def test_the_timetable_has_the_batch_its_queue_and_the_night(market: Source) -> None:
    schedule.write_all()
    rows = {row.name: (row.func, row.minutes, row.cron) for row in Schedule.objects.all()}
    assert rows["batch.priority"] == ("miner.tasks.priority_batch", 5, None)
    assert rows["batch.secondary"] == ("miner.tasks.enqueue_secondary", 30, None)
    assert rows["retention"] == ("miner.tasks.prune", None, "40 3 * * *")
    before = set(Schedule.objects.values_list("pk", flat=True))
    schedule.write_all()
    assert set(Schedule.objects.values_list("pk", flat=True)) == before


def test_every_question_is_counted_in_a_row_of_its_source(market: Source) -> None:
    secondary(market)
    batch_run.run()
    tasks.enqueue_secondary()
    rotation.process_queue(1)
    row = Job.objects.get(job_type="fake.quotes")
    assert (row.source, row.status, row.rows_written, row.requests) == (market, "success", 2, 2)
    assert row.details["beats"] == 2
    Plan.prices["X:BTCUSD"] = Unreachable("GET /crypto: HTTP 429", 60, 429)
    batch_run.run()
    assert Job.objects.get(job_type="fake.quotes", status="failed").reason == "unreachable"


def test_a_used_up_budget_is_looked_at_and_not_waited_for(market: Source) -> None:
    secondary(market)
    tasks.enqueue_secondary()
    rate_limit.take(market, Allowance(5, 60, 3), 5, critical=True)
    rotation.process_queue(5)
    assert rate_limit.state(market, Allowance(5, 60, 3)).total_waits == 0
    assert not Job.objects.exists()
    assert not QueueItem.objects.exclude(claimed_until=None).exists()


def test_a_batch_that_has_no_time_left_names_who_waits(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_run, "LAST_START", -1.0)
    result = batch_run.run()
    assert result is not None
    assert failures_of(result) == ["BTCUSD", "EURUSD", "XAUUSD"]
    assert Plan.asked == []


@pytest.fixture
def official(market: Source) -> None:
    """The ECB's rate of Thursday, 19 November 2026."""
    ecb = Source.objects.create(code="ecb", name="ECB")
    instrument = Listing.objects.get(ticker="C:EURUSD").instrument
    Quote.objects.create(
        instrument=instrument, source=ecb, table="eurofxref", effective_date=date(2026, 11, 19),
        price=Decimal("1.1"), scale=4, observed_at=clock.now(),
    )  # fmt: skip


@pytest.mark.parametrize(("moment", "fallbacks"), [("2026-11-20 13:00", {"EURUSD": "ecb"}), ("2026-11-25 13:00", {})])
def test_an_official_rate_stands_in_while_it_is_fresh(
    market: Source, official: None, at: Callable[[str], None], moment: str, fallbacks: dict[str, str]
) -> None:
    at(moment)
    Source.objects.filter(pk=market.pk).update(enabled=False)
    result = batch_run.run()
    assert result is not None
    assert result.fallbacks == fallbacks


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "btc"), [("13:01:15", {"BTCUSD": "standin"}), ("13:01:16", {})])
def test_where_a_source_fails_another_ones_fresh_price_is_named(
    market: Source, stand_in: Source, official: None, at: Callable[[str], None], moment: str, btc: dict[str, str]
) -> None:
    at("2026-11-20 13:00:00")
    tasks.quotes("standin")  # its beat is 30 s; the price is old after two and a half
    batch_run.run()
    Plan.prices |= dict.fromkeys(Plan.prices, Refused("GET /v2/snapshot: HTTP 401", 401))
    at(f"2026-11-20 {moment}")
    result = batch_run.run()
    assert result is not None
    assert failures_of(result) == ["BTCUSD", "EURUSD", "XAUUSD"]
    assert result.fallbacks == {"EURUSD": "ecb"} | btc


def test_nobody_stands_in_for_what_was_updated(market: Source, stand_in: Source, official: None) -> None:
    tasks.quotes("standin")
    result = batch_run.run()
    assert result is not None
    assert (len(result.priority_updated), result.fallbacks) == (3, {})
