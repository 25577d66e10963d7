"""The priority batch: critical instruments first, one failure stops nobody, another source stands in and is named."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.conf import settings as conf
from django.db import connections
from django.test import Client
from django_q.models import OrmQ, Schedule
from pytest_django import DjangoDbBlocker

from markets import clock
from markets.jobs import runs
from markets.models import Job, Listing, Quote, Source
from miner import schedule, tasks
from miner.batch import api, rotation
from miner.batch import queue as batch_queue
from miner.batch import run as batch_run
from miner.batch import status as batch_status
from miner.fetch import rate_limit
from miner.fetch.errors import Refused, Unreachable
from miner.models import QueueItem, SyncStatus
from miner.pulse import polls
from tests.databases import file_database
from tests.markets_fake import FakeMarket, open_market

pytestmark = pytest.mark.django_db


class Plan(FakeMarket):
    """Five calls a minute, three of them kept, and a queue."""

    limit = 5
    reserve = 3
    rotating = True
    prices: dict[str, Any] = {}
    asked: list[tuple[object, ...]] = []


class StandIn(FakeMarket):
    code = "standin"
    name = "Stand-in"
    limit = 100
    tickers = {"BTCUSD": "btc_usd"}
    prices: dict[str, Any] = {}
    asked: list[tuple[object, ...]] = []


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, nbp: Source) -> Source:
    Source.objects.exclude(code="nbp").delete()
    source = open_market(monkeypatch, Plan)
    Plan.prices.update({"X:BTCUSD": Decimal(90000), "C:EURUSD": Decimal("1.08"), "C:XAUUSD": Decimal(4100)})
    return source


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, market: Source) -> Source:
    source = open_market(monkeypatch, StandIn)
    Listing.objects.filter(source=source).update(priority=Listing.Priority.HIGH)
    StandIn.prices["btc_usd"] = Decimal(89990)
    return source


def secondary(market: Source) -> None:
    Listing.objects.filter(source=market).exclude(ticker="X:BTCUSD").update(priority=Listing.Priority.MEDIUM)


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
    assert sorted(result.priority_failed) == ["BTCUSD", "XAUUSD"]
    assert {"symbol": "XAUUSD", "error": "No data"} in result.errors
    assert Job.objects.get(job_type="batch.priority").status == "success"


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
        rate_limit.take(market, rate_limit.Allowance(5, 60, 3), critical=True)


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
    rate_limit.take(market, rate_limit.Allowance(5, 60, 3), 5, critical=True)
    rotation.process_queue(5)
    assert rate_limit.state(market, rate_limit.Allowance(5, 60, 3)).total_waits == 0
    assert not Job.objects.exists()
    assert not QueueItem.objects.exclude(claimed_until=None).exists()


def test_a_batch_that_has_no_time_left_names_who_waits(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_run, "LAST_START", -1.0)
    result = batch_run.run()
    assert result is not None
    assert sorted(result.priority_failed) == ["BTCUSD", "EURUSD", "XAUUSD"]
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
    assert sorted(result.priority_failed) == ["BTCUSD", "EURUSD", "XAUUSD"]
    assert result.fallbacks == {"EURUSD": "ecb"} | btc


def test_nobody_stands_in_for_what_was_updated(market: Source, stand_in: Source, official: None) -> None:
    tasks.quotes("standin")
    result = batch_run.run()
    assert result is not None
    assert (len(result.priority_updated), result.fallbacks) == (3, {})


# The API


@pytest.fixture
def token(settings: Any) -> dict[str, str]:
    settings.API_TOKEN = "only-for-this-test"
    return {"Authorization": "Bearer only-for-this-test"}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that works while it is being asked."""
    names = {"miner.tasks.priority_batch": tasks.priority_batch}
    monkeypatch.setattr(api, "async_task", lambda func, *args, **_: names[func](*args))


def test_a_run_by_hand_answers_its_result(client: Client, market: Source, token: dict[str, str], at_once: None) -> None:
    response = client.post("/batch/run", headers=token)
    body = response.json()
    assert (response.status_code, body["success"], body["message"]) == (200, True, "3 updated, 0 failed")
    assert body["result"]["batch_id"] == body["batch_id"]
    status = client.get("/batch/status").json()
    assert (status["batch_id"], status["status"]) == (body["batch_id"], "success")
    assert [asset["symbol"] for asset in status["priority_assets"]] == ["BTCUSD", "EURUSD", "XAUUSD"]
    assert Job.objects.get(job_type="batch.priority").trigger == "operator"


def test_a_run_that_takes_longer_says_where_to_look(
    client: Client, market: Source, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "WAIT_SECONDS", 0.0)
    response = client.post("/batch/run", headers=token)
    assert (response.status_code, response.json()["success"]) == (202, None)
    assert response.headers["Location"] == "/api/v1/batch/status"
    again = client.post("/batch/run", headers=token)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_running")


def test_a_run_during_a_batch_is_refused(client: Client, market: Source, token: dict[str, str]) -> None:
    runs.start("batch.priority", None, Job.Trigger.SCHEDULE)
    assert client.post("/batch/run", headers=token).status_code == 409


def test_a_dead_batch_keeps_nobody_from_a_run(
    client: Client, market: Source, token: dict[str, str], at_once: None
) -> None:
    dead = runs.start("batch.priority", None, Job.Trigger.SCHEDULE)
    Job.objects.filter(pk=dead.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    assert client.post("/batch/run", headers=token).status_code == 200
    dead.refresh_from_db()
    assert (dead.status, dead.reason) == ("failed", "lost")


def test_a_run_that_another_batch_was_faster_than_is_found_by_its_id(
    client: Client, market: Source, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "WAIT_SECONDS", 0.0)
    number = client.post("/batch/run", headers=token).json()["batch_id"]
    with runs.job("batch.priority"):
        assert tasks.priority_batch(*OrmQ.objects.get().task["args"]) is None
        assert tasks.priority_batch() is None  # the timetable's: nobody was told of it
    status = client.get("/batch/status").json()
    assert (status["batch_id"], status["status"]) == (number, "skipped")
    row = Job.objects.get(details__batch_id=number)
    assert (row.trigger, row.error) == ("operator", "another batch was running")
    assert Job.objects.filter(job_type="batch.priority").count() == 2
    assert Plan.asked == []


def test_who_waits_for_such_a_run_is_told_that_another_runs(
    client: Client, market: Source, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(func: str, *args: Any, **_: Any) -> None:
        with runs.job("batch.priority"):
            tasks.priority_batch(*args)

    monkeypatch.setattr(api, "async_task", overtaken)
    response = client.post("/batch/run", headers=token)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "already_running")


@pytest.fixture
def connect(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Callable[[], None]]:
    """Leads the thread that calls it to one database with all others: a file, or on PostgreSQL that of the test."""
    if not conf.SQLITE:
        yield lambda: None
        return
    with file_database(tmp_path / "charon.sqlite3", django_db_blocker):
        there = connections["default"]

        def lead() -> None:
            connections["default"] = type(there)(there.settings_dict, "default")

        yield lead


@pytest.mark.django_db(transaction=True)
def test_of_two_operators_at_once_one_runs_the_batch(
    connect: Callable[[], None], token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, look = Barrier(2), polls.open_groups

    def look_together() -> set[str]:
        found = look()
        with suppress(BrokenBarrierError):  # the other one is not let in
            gate.wait(timeout=0.5)
        return found

    def post() -> int:
        connect()
        try:
            return Client().post("/batch/run", headers=token).status_code
        finally:
            connections.close_all()

    monkeypatch.setattr(api, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(polls, "open_groups", look_together)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(post) for _ in range(2)]
    assert sorted(answer.result() for answer in answers) == [202, 409]
    assert OrmQ.objects.count() == 1


def test_strangers_run_nothing(client: Client, market: Source) -> None:
    assert client.post("/batch/run").status_code == 401
    assert client.post("/batch/run", headers={"Authorization": "Bearer x"}).status_code == 401
    assert Plan.asked == []


def test_the_queue_and_the_budget_are_answered(client: Client, market: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")
    secondary(market)
    tasks.enqueue_secondary()
    at("2026-11-20 13:01")
    assert client.get("/batch/queue/stats").json() == {
        "size": 2,
        "max_size": 1000,
        "by_priority": {"CRITICAL": 0, "HIGH": 0, "MEDIUM": 2, "LOW": 0},
        "oldest_age_seconds": 60.0,
        "total_enqueued": 2,
        "total_processed": 0,
        "total_dropped": 0,
    }
    batch_run.run()
    rows = {row["source"]: row for row in client.get("/batch/rate-limit").json()["items"]}
    assert rows["fake"] == {
        "source": "fake",
        "limit": 5,
        "window_seconds": 60,
        "current_calls": 1,
        "remaining": 4,
        "reset_at": "2026-11-20T12:02:00Z",
        "total_calls": 1,
        "total_waits": 0,
    }
