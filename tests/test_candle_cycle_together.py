"""The timeframes of a source in one cycle: looked up and written together, and each stops only itself."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from markets import clock
from markets.models import Candle, Job, OutboxEvent, Source
from markets.records import Bar
from markets.store import bulk, copying
from markets.store.prices import save_timeframes
from miner import tasks
from miner.collect import candle_requests
from miner.collect import candles as candle_collector
from miner.fetch import rate_limit, retry
from miner.fetch.call_window import Allowance
from miner.fetch.errors import Blocked, UnknownTicker, Unreachable
from miner.models import Lease, Poll, Spent
from tests.markets_fake import FakeMarket, open_market

ALL = ["5m", "1h", "4h"]
# For 29 symbols as for 2,900, with BEGIN and COMMIT.
MOST_STATEMENTS = 20


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None], without_redis: None) -> Source:
    at("2026-11-20 13:07")
    monkeypatch.setattr(candle_requests, "CONNECTIONS", 1)
    monkeypatch.setattr(FakeMarket, "limit", 1000)
    source = open_market(monkeypatch)
    source.polling_interval = 60
    source.save()
    return source


def answer_with(monkeypatch: pytest.MonkeyPatch, faults: dict[tuple[str, str], Exception]) -> None:
    """The fake's answers, but for these tickers and timeframes."""
    fetch = FakeMarket.fetch_candles

    def answer(
        self: FakeMarket, ticker: str, timeframe: str, start: datetime | None = None, limit: int = 0
    ) -> list[Bar]:
        if fault := faults.get((ticker, timeframe)):
            raise fault
        return fetch(self, ticker, timeframe, start, limit)

    monkeypatch.setattr(FakeMarket, "fetch_candles", answer)


def bring(source: Source) -> dict[str, candle_requests.Cycle]:
    return candle_collector.refresh_all(source, ALL, first=3)


def stored() -> set[str]:
    return set(Candle.objects.values_list("timeframe", flat=True))


def statements(work: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> int:
    """Those that Django sees, and the COPYs, which it does not."""
    copies: list[str] = []
    copy = copying.copy

    def counted(cursor: Any, target: str, rows: Any) -> None:
        copies.append(target)
        copy(cursor, target, rows)

    with monkeypatch.context() as patch, CaptureQueriesContext(connection) as asked:
        patch.setattr(copying, "copy", counted)
        work()
    return len(asked) + len(copies)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["2026-11-20 13:07:30", "2026-11-20 16:09"])
def test_a_refresh_of_three_timeframes_takes_twenty_statements_at_most(
    market: Source, at: Callable[[str], None], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of candles that move, and of those with a new one in every series."""
    bring(market)
    FakeMarket.prices.update(dict.fromkeys(FakeMarket.tickers.values(), Decimal(99)))
    OrmQ.objects.all().delete()
    at(moment)
    cycles: dict[str, candle_requests.Cycle] = {}
    asked = statements(lambda: cycles.update(bring(market)), monkeypatch)
    assert [cycles[timeframe].written > 0 for timeframe in ALL] == [True] * 3
    assert asked <= MOST_STATEMENTS, asked


@pytest.mark.django_db
def test_the_budget_counts_every_request_of_a_cycle_once(market: Source, at: Callable[[str], None]) -> None:
    for timeframe in ALL:
        candle_collector.refresh(market, timeframe, first=3)
    at("2026-11-20 13:09")
    bring(market)
    assert rate_limit.state(market, Allowance(1000, 60)).current_calls == 9


@pytest.mark.django_db
def test_what_has_no_room_in_the_budget_is_left_to_a_cycle_of_its_own(
    market: Source, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(market)
    at("2026-11-20 13:09")
    monkeypatch.setattr(FakeMarket, "limit", 7)
    Spent.objects.update(allowed=None)
    FakeMarket.asked.clear()
    cycles = bring(market)
    assert list(cycles) == ["5m", "1h"]
    assert len(FakeMarket.asked) == 6


@pytest.mark.django_db
def test_candles_and_their_news_are_in_one_transaction(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = bulk.insert

    def full(table: str, *rest: Any) -> int:
        if table == OutboxEvent._meta.db_table:
            raise OperationalError("disk full")
        return insert(table, *rest)

    monkeypatch.setattr(bulk, "insert", full)
    cycles = bring(market)
    assert {str(cycle.ended) for cycle in cycles.values()} == {"disk full"}
    assert not Candle.objects.exists()


@pytest.mark.django_db
def test_a_symbol_that_is_unknown_in_one_timeframe_is_left_out_of_that_one(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, {("X:BTCUSD", "1h"): UnknownTicker("no such", 400)})
    cycles = bring(market)
    assert {name: list(cycle.failed) for name, cycle in cycles.items()} == {"5m": [], "1h": ["X:BTCUSD"], "4h": []}
    assert set(Candle.objects.filter(instrument__code="BTCUSD").values_list("timeframe", flat=True)) == {"5m", "4h"}


@pytest.mark.django_db
@pytest.mark.parametrize("fault", [Unreachable("GET /klines: HTTP 400", status=400), RuntimeError("fault of ours")])
@pytest.mark.slow
def test_a_timeframe_that_fails_loses_nothing_of_the_others(
    market: Source, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    answer_with(monkeypatch, {(ticker, "1h"): fault for ticker in FakeMarket.tickers.values()})
    cycles = candle_collector.refresh_counted(market, ALL)
    assert {name: cycle.ended for name, cycle in cycles.items()} == {"5m": None, "1h": fault, "4h": None}
    assert stored() == {"5m", "4h"}
    jobs = dict(Job.objects.values_list("job_type", "status"))
    assert jobs == {"fake.candles.5m": "success", "fake.candles.1h": "failed", "fake.candles.4h": "success"}


@pytest.mark.django_db
def test_a_source_that_wants_to_be_left_alone_keeps_what_it_brought(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, {("C:EURUSD", "1h"): Blocked("GET /klines: HTTP 451", 451)})
    cycles = bring(market)
    assert list(cycles) == ["5m", "1h"]
    assert stored() == {"5m"}
    assert {question[1] for question in FakeMarket.asked} == {"5m"}


@pytest.mark.django_db
def test_candles_that_the_database_refuses_stop_their_timeframe_alone(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(bars: list[Bar], source: Source) -> object:
        if any(bar.timeframe == "1h" for bar in bars):
            raise DataError("out of range")
        return save_timeframes(bars, source)

    monkeypatch.setattr("miner.collect.candles.save_timeframes", refusing)
    cycles = bring(market)
    assert {name: str(cycle.ended) for name, cycle in cycles.items()} == {
        "5m": "None", "1h": "out of range", "4h": "None",
    }  # fmt: skip
    assert stored() == {"5m", "4h"}


@pytest.mark.django_db
@pytest.mark.slow
def test_a_poll_brings_the_timeframes_that_are_due_and_their_own_tasks_find_them_done(
    market: Source, at: Callable[[str], None]
) -> None:
    bring(market)
    Job.objects.all().delete()
    planned = clock.now().replace(second=0, microsecond=0)
    assert tasks.candles("fake", "5m", planned=planned.isoformat()) == "18 candles"
    assert set(Poll.objects.filter(done_at=clock.now()).values_list("name", flat=True)) == {
        "fake.candles.5m", "fake.candles.1h", "fake.candles.4h",
    }  # fmt: skip
    assert tasks.candles("fake", "4h", planned=planned.isoformat()) == "done already"
    FakeMarket.asked.clear()
    at("2026-11-20 13:08:20")
    tasks.candles("fake", "5m", planned="2026-11-20T12:08:00+00:00")
    assert {question[1] for question in FakeMarket.asked} == {"5m", "1h"}
    assert not Lease.objects.exclude(until=None).exists()
    counts = {job.job_type: job.details["beats"] for job in Job.objects.all()}
    assert counts == {"fake.candles.5m": 2, "fake.candles.1h": 2, "fake.candles.4h": 1}


@pytest.mark.django_db
def test_a_timeframe_that_another_worker_is_at_is_left_to_it(market: Source) -> None:
    bring(market)
    Lease.objects.create(name="fake.candles.1h", holder="another:1", until=clock.now() + timedelta(seconds=60))
    FakeMarket.asked.clear()
    tasks.candles("fake", "5m", planned=clock.now().isoformat())
    assert {question[1] for question in FakeMarket.asked} == {"5m", "4h"}
    assert Lease.objects.get(name="fake.candles.1h").holder == "another:1"


@pytest.mark.django_db
def test_what_there_was_no_time_for_gets_a_task_of_its_own(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(market)
    monkeypatch.setattr(candle_collector, "BEGIN_SECONDS", 0.0)
    OrmQ.objects.all().delete()
    FakeMarket.asked.clear()
    assert tasks.candles("fake", "5m") == "6 candles"
    assert {question[1] for question in FakeMarket.asked} == {"5m"}
    groups = [row.group() for row in OrmQ.objects.all()]
    assert {"fake.candles.1h", "fake.candles.4h"} <= set(groups)


@pytest.mark.django_db
@pytest.mark.slow
def test_a_fault_of_ours_in_a_timeframe_that_came_along_is_shown_by_the_queue(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(market)
    answer_with(monkeypatch, {("X:BTCUSD", "4h"): RuntimeError("fault of ours")})
    with pytest.raises(RuntimeError, match="fault of ours"):
        tasks.candles("fake", "5m", planned=clock.now().isoformat())
    errors = dict(Poll.objects.filter(name__startswith="fake.candles").values_list("name", "error"))
    assert errors == {"fake.candles.5m": "", "fake.candles.1h": "", "fake.candles.4h": "RuntimeError: fault of ours"}
    assert Poll.objects.get(name="fake.candles.5m").done_at == clock.now()
