"""The past of a listing that is new: who asks for it, how often, and that it comes in the end."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets import clock
from markets.jobs import runs
from markets.models import Job, Listing, Source, Tick
from markets.records import Price
from miner import backfill
from miner.collect import history_requests
from miner.collect import prices as price_collector
from miner.fetch.errors import NoPlan, Unreachable, Unreadable
from miner.models import Spent, SyncStatus
from tests.markets_fake import FakeMarket, open_market
from tests.test_fill import days, of, rotating, work_off

pytestmark = pytest.mark.django_db


class WithPast(FakeMarket):
    """The past of each ticker as `pasts` says: an error is raised, without a word there is none."""

    prices: dict[str, Any] = {}
    asked: list[tuple[object, ...]] = []
    pasts: dict[str, Exception] = {}

    def fetch_history(self, ticker: str, start: datetime, end: datetime) -> list[Price]:
        self.asked.append((ticker,))
        if ticker in self.pasts:
            raise self.pasts[ticker]
        return [Price(ticker, Decimal(80), start), Price(ticker, Decimal(81), end)]


def test_the_past_is_asked_for_with_the_first_success_whoever_brings_it(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(backfill, "async_task", lambda *args, **_: asked.append(args[:3]))
    source = open_market(monkeypatch, WithPast)
    WithPast.prices["X:BTCUSD"] = NoPlan("GET /x: HTTP 403", 403)
    price_collector.refresh(source, price_collector.due(source), rest=False)
    assert asked == []
    WithPast.prices.update({"X:BTCUSD": Decimal(90000), "C:EURUSD": None})
    for _ in range(2):
        price_collector.refresh(source, price_collector.due(source), rest=False)
    assert asked == [("miner.backfill.prices", "fake", ["X:BTCUSD"])]
    WithPast.prices["C:EURUSD"] = Decimal("1.08")
    price_collector.refresh(source, price_collector.due(source))
    assert asked[1:] == [("miner.backfill.prices", "fake", ["C:EURUSD"])]


@pytest.fixture
def wished(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> Callable[[str], list[str]]:
    """A beat at that time of a source with a past: of which tickers it asks for the past."""
    source, asked = open_market(monkeypatch, WithPast), list[list[str]]()
    monkeypatch.setattr(backfill, "async_task", lambda *args, **_: asked.append(args[2]))
    WithPast.prices["X:BTCUSD"] = Decimal(90000)

    def beat(time: str) -> list[str]:
        at(f"2026-11-20 {time}")
        asked.clear()
        price_collector.refresh(source, price_collector.due(source), rest=False)
        return [name for names in asked for name in names]

    return beat


def test_a_past_that_nobody_brought_is_asked_for_again_after_an_hour(wished: Callable[[str], list[str]]) -> None:
    asked = {time: wished(time) for time in ("13:00", "13:05", "13:59", "14:00", "14:05")}
    assert [time for time, names in asked.items() if names] == ["13:00", "14:00"]
    SyncStatus.objects.update(past_at=clock.now())
    assert wished("18:00") == []


def test_nobody_asks_for_a_past_while_one_is_brought_and_then_at_once(wished: Callable[[str], list[str]]) -> None:
    source = Source.objects.get(code="fake")
    with runs.job("fake.history", source):
        assert wished("13:00") == []
    assert wished("13:05") == ["X:BTCUSD"]
    lost = clock.now() - timedelta(seconds=1)
    Job.objects.create(job_type="fake.history", status="running", started_at=lost, worker="dead:1", lease_until=lost)
    assert wished("14:05") == ["X:BTCUSD"], "whoever was killed brings nothing any more"


def test_a_past_that_is_there_costs_a_beat_one_question(wished: Callable[[str], list[str]]) -> None:
    wished("13:00")
    SyncStatus.objects.update(past_at=clock.now())
    with CaptureQueriesContext(connection) as with_past:
        wished("13:05")
    with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as without:
        patch.setattr(history_requests, "has_history", lambda _: False)
        wished("13:10")
    assert len(with_past) == len(without) + 1


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> Callable[[str], list[str]]:
    """A beat of a market of two coins at that time, and what the tasks that it asks for answered."""
    at("2026-10-26 13:00")
    monkeypatch.setattr(WithPast, "pasts", {})
    source = open_market(monkeypatch, WithPast)
    WithPast.prices.update({"C:EURUSD": Decimal(1), "X:BTCUSD": Decimal(90)})

    def beat(time: str) -> list[str]:
        at(f"2026-10-26 {time}")
        Spent.objects.all().delete()
        assert price_collector.refresh(source, price_collector.due(source)).error is None
        return work_off()

    return beat


def pasts() -> set[str]:
    return set(SyncStatus.objects.exclude(past_at=None).values_list("listing__ticker", flat=True))


def test_a_past_that_failed_is_brought_an_hour_later(past: Callable[[str], list[str]]) -> None:
    WithPast.pasts["C:EURUSD"] = Unreachable("GET /x: HTTP 429", 60, 429)
    assert (past("13:00"), pasts()) == (["failed"], set())
    WithPast.pasts.clear()
    assert (past("13:05"), past("14:05"), past("15:30")) == ([], ["success"], [])
    assert pasts() == {"C:EURUSD", "X:BTCUSD"}
    assert set(Job.objects.filter(job_type="fake.history").values_list("trigger", flat=True)) == {"schedule"}
    assert Tick.objects.order_by("observed_at")[0].observed_at == datetime(2025, 10, 26, tzinfo=UTC)


@pytest.mark.slow
def test_a_past_that_met_another_is_brought_after_it(past: Callable[[str], list[str]]) -> None:
    Listing.objects.filter(ticker="X:BTCUSD").update(tracked=False)
    assert past("13:00") == ["success"]
    Listing.objects.filter(ticker="X:BTCUSD").update(tracked=True)
    price_collector.refresh(of("fake"), price_collector.due(of("fake")))
    with runs.job("fake.history", of("fake")):
        assert work_off() == ["busy"]
        assert past("13:01") == []
    assert (past("13:02"), pasts()) == (["success"], {"C:EURUSD", "X:BTCUSD"})


@pytest.mark.slow
def test_a_past_that_cannot_be_read_keeps_no_other_from_its_own(past: Callable[[str], list[str]]) -> None:
    WithPast.prices["C:XAUUSD"] = Decimal(4100)
    for ticker in ("C:EURUSD", "C:XAUUSD"):
        WithPast.pasts[ticker] = Unreadable("GET /x: no prices")
    found = [(past(time), pasts()) for time in ("13:00", "14:00", "15:00")]
    assert found == [(["failed"], {"X:BTCUSD"})] * 3


def test_a_past_is_brought_once_however_often_it_was_asked_for(past: Callable[[str], list[str]], settings: Any) -> None:
    settings.TASK_WORK = timedelta(0)
    assert past("13:00") == ["running", "success"]
    assert Job.objects.get(job_type="fake.history").trigger == "schedule"
    again = backfill.prices("fake", ["C:EURUSD", "X:BTCUSD"], *days(365), trigger=Job.Trigger.SCHEDULE)
    assert (again, WithPast.asked.count(("X:BTCUSD",))) == ("skipped", 1)


def test_a_past_that_another_task_goes_on_with_is_still_the_beats(
    past: Callable[[str], list[str]], settings: Any
) -> None:
    settings.TASK_WORK = timedelta(0)
    both = ["C:EURUSD", "X:BTCUSD"]
    assert backfill.prices("fake", both, *days(365), trigger=Job.Trigger.SCHEDULE) == "running"
    ((_, args, state),) = rotating()
    assert (args[1], state["trigger"]) == (["X:BTCUSD"], "schedule")


@pytest.mark.parametrize(("start", "end", "counts"), [(365, 0, True), (400, 0, True), (30, 0, False), (400, 40, False)])
def test_an_operators_range_counts_as_the_past_when_it_is_whole(
    past: Callable[[str], list[str]], start: int, end: int, counts: bool
) -> None:
    WithPast.pasts["C:EURUSD"] = Unreachable("GET /x: HTTP 429", 60, 429)
    past("13:00")
    WithPast.pasts.clear()
    Spent.objects.all().delete()
    assert backfill.prices("fake", ["C:EURUSD"], days(start)[0], days(end)[0]) == "success"
    assert pasts() == ({"C:EURUSD"} if counts else set())
