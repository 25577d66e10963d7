"""What a market has not given of its candles and prices is asked for again by the schedule, and by nobody else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError
from django_q.models import OrmQ
from msgspec.structs import replace

from markets import clock
from markets.models import Candle, Gap, Job, Listing, Source, Tick
from markets.records import Bar
from markets.store import gaps
from markets.store.prices import save_bars
from miner import backfill, tasks
from miner.collect import prices as price_collector
from miner.collect import window_plan
from miner.fetch import cooldown
from miner.fetch.errors import ProviderError, Refused, UnknownTicker, Unreachable, Unreadable
from miner.job_names import label
from tests.markets_fake import FakeMarket, open_market
from tests.test_fill import NOW, days, market, rotating, work_off
from tests.test_past import WithPast

pytestmark = pytest.mark.django_db

__all__ = ["market"]

Clock = Callable[[str], None]
Broken = Callable[[str, datetime], ProviderError | None]
HOUR = timedelta(hours=1)
FIRST = datetime(2026, 9, 16, tzinfo=UTC)
# One window of hours: there are 973.
LONG = FIRST.date(), NOW.date()
BTC, EUR, XAU = "X:BTCUSD", "C:EURUSD", "C:XAUUSD"


@contextmanager
def failing(which: Broken) -> Iterator[None]:
    """A market that answers so of a symbol from a moment on."""
    fetch = FakeMarket.fetch_candles

    def broken(self: FakeMarket, ticker: str, timeframe: str, start: datetime, limit: int = 1000) -> list[Bar]:
        if error := which(ticker, start):
            FakeMarket.asked.append((ticker, timeframe, start, limit))
            raise error
        return fetch(self, ticker, timeframe, start, limit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeMarket, "fetch_candles", broken)
        yield


def of_first_window(ticker: str, start: datetime) -> ProviderError | None:
    return Unreachable("GET /klines: HTTP 500", status=500) if start == FIRST else None


def only(wanted: str, error: ProviderError) -> Broken:
    return lambda ticker, start: error if (ticker, start) == (wanted, FIRST) else None


def hour() -> list[str]:
    """What the hourly schedule brings, by the answers of its tasks."""
    OrmQ.objects.all().delete()
    for kind in (FakeMarket, WithPast):
        kind.asked.clear()
    tasks.resume()
    return work_off()


def whole() -> bool:
    hours = int((NOW - FIRST) / HOUR) + 1
    return Candle.objects.filter(timeframe="1h").count() == 3 * hours


def tries() -> set[tuple[str, str, int]]:
    return {(row.instrument.code if row.instrument else "", row.reason, row.tries) for row in Gap.objects.all()}


def hole(hours: int = 3, ago: int = 100, symbol: str = BTC, **more: Any) -> Gap:
    """A gap that is there already, and due."""
    listing, last = Listing.objects.get(ticker=symbol), NOW.replace(minute=0, second=0) - ago * HOUR
    values = {"reason": "missing", "tries": 1, "next_try": clock.now()} | more
    return Gap.objects.create(
        source=listing.source, table="candle:1h", instrument=listing.instrument, from_time=last - (hours - 1) * HOUR,
        to_time=last, **values,
    )  # fmt: skip


def lost(hours: int = 3, ago: int = 100, symbol: str = BTC, **more: Any) -> Gap:
    """A hole between candles that are there."""
    gap = hole(hours, ago, symbol, **more)
    Candle.objects.filter(open_time__range=(gap.from_time, gap.to_time), instrument=gap.instrument).delete()
    return gap


def test_a_window_that_failed_is_asked_for_again_when_it_is_due_until_it_comes(market: Source, at: Clock) -> None:
    with failing(of_first_window):
        assert backfill.candles("fake", ["1h"], *LONG) == "failed"
        assert tries() == {(code, "failed", 1) for code in ("BTCUSD", "EURUSD", "XAUUSD")}
        at("2026-10-26 13:25")
        assert (hour(), FakeMarket.asked) == ([], [])
        at("2026-10-26 14:25")
        assert hour() == ["failed"]
        assert {one[2] for one in tries()} == {2}
        assert set(Gap.objects.values_list("next_try", flat=True)) == {clock.now() + 2 * gaps.FIRST_RETRY}
        at("2026-10-26 15:25")
        assert hour() == []
    at("2026-10-26 16:25")
    assert hour() == ["success"]
    assert {question[2] for question in FakeMarket.asked} == {FIRST}
    assert (whole(), Gap.objects.count(), hour()) == (True, 0, [])
    assert Job.objects.latest("pk").trigger == "schedule"


@pytest.mark.slow
def test_a_window_that_failed_between_two_others_is_one_gap_and_not_two(market: Source, at: Clock) -> None:
    middle = datetime.combine(days(100)[0], datetime.min.time(), UTC) + 1000 * HOUR
    with failing(lambda _, start: Unreadable("oops") if start == middle else None):
        backfill.candles("fake", ["1h"], *days(100))
    assert set(Gap.objects.values_list("from_time", "to_time", "reason")) == {(middle, middle + 999 * HOUR, "failed")}
    assert Gap.objects.count() == 3
    at("2026-10-26 14:25")
    assert hour() == ["success"]
    assert (Candle.objects.filter(instrument__code="BTCUSD").count(), Gap.objects.count()) == (2413, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unreachable("GET /klines: HTTP 500", status=500), "failed"),
        (Unreadable("GET /klines: a 13th column"), "failed"),
        (Refused("GET /klines: HTTP 400", 400), "failed"),
        (UnknownTicker("no symbol C:EURUSD", 400), "success"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
def test_one_symbol_that_fails_in_a_window_is_a_gap_of_its_own_and_the_others_live(
    market: Source, at: Clock, error: ProviderError, status: str
) -> None:
    with failing(only(EUR, error)):
        assert backfill.candles("fake", ["1h"], *LONG) == status
    gap = Gap.objects.get()
    assert (gap.instrument and gap.instrument.code, gap.reason, gap.cause) == ("EURUSD", "failed", error.reason)
    assert (gap.from_time, gap.to_time) == (FIRST, NOW.replace(minute=0, second=0))
    assert Candle.objects.filter(instrument__code="BTCUSD").count() == int((NOW - FIRST) / HOUR) + 1
    at("2026-10-26 14:25")
    assert hour() == ["success"]
    assert {question[0] for question in FakeMarket.asked} == {EUR}, "nobody else is asked for again"
    assert (whole(), Gap.objects.count()) == (True, 0)


def test_an_operator_ends_it_by_accepting_the_gap(market: Source) -> None:
    hole(accepted_at=clock.now())
    assert (hour(), FakeMarket.asked) == ([], [])


def test_a_symbol_that_is_not_followed_any_more_is_not_asked_for(market: Source) -> None:
    hole()
    Listing.objects.filter(ticker=BTC).update(tracked=False)
    assert hour() == []


def test_candles_missing_between_two_others_are_asked_for_with_back_off(
    market: Source, at: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfill.candles("fake", ["1h"], *LONG)
    gap, fetch = lost(), FakeMarket.fetch_candles

    def silent(self: FakeMarket, *args: Any, **more: Any) -> list[Bar]:
        bars = fetch(self, *args, **more)
        return [bar for bar in bars if not gap.from_time <= bar.open_time <= gap.to_time]

    with monkeypatch.context() as patch:
        patch.setattr(FakeMarket, "fetch_candles", silent)
        assert hour() == ["skipped"]
        assert tries() == {("BTCUSD", "missing", 2)}
        assert hour() == [], "it is not due"
    at("2026-10-26 15:25")
    assert hour() == ["success"]
    assert (whole(), Gap.objects.count()) == (True, 0)


@contextmanager
def spoiled(first: datetime, last: datetime) -> Iterator[None]:
    """Candles between these moments have a high below their low."""
    fetch = FakeMarket.fetch_candles

    def answer(self: FakeMarket, *args: Any, **more: Any) -> list[Bar]:
        bars = fetch(self, *args, **more)
        return [replace(bar, high=Decimal(1)) if first <= bar.open_time <= last else bar for bar in bars]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeMarket, "fetch_candles", answer)
        yield


@pytest.mark.slow
@pytest.mark.parametrize(("first", "last"), [(30, 30), (0, 5), (0, 2000)], ids=["one", "the first ones", "all"])
def test_candles_that_were_refused_are_asked_for_again(market: Source, at: Clock, first: int, last: int) -> None:
    begin, end = FIRST + first * HOUR, min(FIRST + last * HOUR, NOW.replace(minute=0, second=0))
    with spoiled(begin, end):
        assert backfill.candles("fake", ["1h"], *LONG) == ("failed" if last == 2000 else "success")
        assert set(Gap.objects.values_list("from_time", "to_time", "reason")) == {(begin, end, "missing")}
        at("2026-10-26 14:25")
        hour()
        assert {count for _, _, count in tries()} == {2}
    at("2026-10-26 16:25")
    assert hour() == ["success"]
    assert (whole(), Gap.objects.count()) == (True, 0)


@pytest.mark.slow
def test_a_run_asks_for_so_many_spans_and_the_next_ones_for_the_others(market: Source) -> None:
    backfill.candles("fake", ["1h"], *LONG)
    for number in range(window_plan.MOST_AGAIN + 3):
        lost(1, 100 + 10 * number, next_try=clock.now() - number * HOUR)
    oldest_try = Gap.objects.order_by("next_try")[0].from_time
    assert hour() == ["success"]
    assert len(FakeMarket.asked) == window_plan.MOST_AGAIN
    assert FakeMarket.asked[0][2] == oldest_try, "whoever waits for longest comes first"
    assert (Gap.objects.count(), hour(), Gap.objects.count()) == (3, ["success"], 0)
    assert whole()


@pytest.mark.parametrize("end", [OperationalError("database or disk is full"), KeyboardInterrupt()], ids=repr)
def test_what_was_ordered_and_never_asked_for_is_brought_by_the_schedule(
    market: Source, at: Clock, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    """A full disk, or a task whose worker is killed three times."""

    def dying(bars: list[Bar], *args: Any) -> Any:
        if bars[0].open_time == FIRST:
            raise end
        return save_bars(bars, *args)

    with monkeypatch.context() as patch:
        patch.setattr("miner.collect.candle_history.save_bars", dying)
        with suppress(KeyboardInterrupt):
            backfill.candles("fake", ["1h"], *LONG)
    assert not Candle.objects.exists()
    at("2026-10-26 13:25")
    assert hour() == ["success"]
    assert (whole(), Gap.objects.count()) == (True, 0)


@pytest.mark.slow
def test_an_outage_in_the_middle_of_a_range_forgets_nothing_and_blames_no_window(market: Source, at: Clock) -> None:
    with failing(lambda *_: Unreachable("no connection", nobody=True)):
        assert backfill.candles("fake", ["1h"], *days(200)) == "failed"
        assert len(FakeMarket.asked) < 4, "nobody answers"
        at("2026-10-26 14:25")
        hour()
        assert {count for _, _, count in tries()} == {0, 1}
    at("2026-10-26 15:25")
    assert hour() == ["success"]
    assert (Candle.objects.filter(instrument__code="BTCUSD").count(), Gap.objects.count()) == (4813, 0)


def test_old_windows_that_fail_again_hold_up_no_live_price(market: Source) -> None:
    for ago in (100, 200, 300, 400):
        hole(ago=ago)
    with failing(lambda *_: Unreachable("GET /klines: HTTP 500", status=500)):
        assert hour() == ["failed"]
    assert len({question[2] for question in FakeMarket.asked}) == 3, "three in a row: it does not answer"
    assert not cooldown.is_cooling_down(market)


def test_a_run_by_hand_asks_for_every_gap_once(market: Source, settings: Any) -> None:
    settings.TASK_WORK = timedelta(0)
    with failing(lambda *_: Unreadable("oops")):
        for ago in (100, 200, 300):
            hole(ago=ago, next_try=clock.now() + HOUR / 2)
        backfill.enqueue_gaps("fake", ["candle:1h"], trigger=Job.Trigger.OPERATOR)
        assert work_off() == ["running", "running", "failed"]
    assert len(FakeMarket.asked) == 3
    assert {count for _, _, count in tries()} == {2}


def test_pobierz_teraz_asks_for_gaps_that_are_not_due(market: Source) -> None:
    gap = hole(next_try=clock.now() + HOUR / 2)
    backfill.now(market)
    (_, args, state), *_ = [task for task in rotating() if task[0] == "miner.backfill.fill_gaps"]
    assert backfill.fill_gaps(*args, **state) == "success"
    assert not Gap.objects.filter(pk=gap.pk).exists()


# Prices


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch, at: Clock) -> Source:
    at("2026-10-26 13:00:30")
    monkeypatch.setattr(WithPast, "pasts", {})
    monkeypatch.setattr(WithPast, "limit", 0)
    return open_market(monkeypatch, WithPast)


@pytest.mark.parametrize(
    ("error", "status"),
    [(Unreachable("GET /x: HTTP 500", status=500), "failed"), (UnknownTicker("no coin", 404), "success")],
    ids=["500", "unknown"],
)
def test_a_ticker_whose_prices_fail_is_a_gap_of_its_own_and_asked_for_again(
    past: Source, at: Clock, error: ProviderError, status: str
) -> None:
    WithPast.pasts[EUR] = error
    assert backfill.prices("fake", [BTC, EUR, XAU], *days(5)) == status
    assert set(Tick.objects.values_list("instrument__code", flat=True)) == {"BTCUSD", "XAUUSD"}
    gap = Gap.objects.get()
    assert (gap.table, gap.instrument and gap.instrument.code, gap.cause) == ("price", "EURUSD", error.reason)
    assert (gap.from_time.date(), gap.to_time.date()) == (date(2026, 10, 21), date(2026, 10, 26))
    assert hour() == []
    at("2026-10-26 14:25")
    hour()
    assert (Gap.objects.get().tries, set(WithPast.asked)) == (2, {(EUR,)})
    WithPast.pasts.clear()
    at("2026-10-26 16:25")
    hour()
    assert (Gap.objects.count(), WithPast.asked) == (0, [(EUR,)])
    assert Tick.objects.filter(instrument__code="EURUSD").count() == 2


def test_prices_that_were_ordered_and_never_asked_for_are_brought_by_the_schedule(past: Source, at: Clock) -> None:
    WithPast.pasts[BTC] = Unreachable("no connection", nobody=True)
    assert backfill.prices("fake", [BTC, EUR, XAU], *days(5)) == "failed"
    WithPast.pasts.clear()
    at("2026-10-26 14:25")
    hour()
    assert (Tick.objects.values("instrument").distinct().count(), Gap.objects.count()) == (3, 0)


def test_a_first_past_that_failed_is_asked_for_by_its_poll_alone(past: Source, at: Clock) -> None:
    WithPast.prices[BTC] = Decimal(90)
    WithPast.pasts[BTC] = Unreachable("GET /x: HTTP 500", status=500)
    price_collector.refresh(past, price_collector.due(past))
    assert work_off() == ["failed"]
    at("2026-10-26 14:25")
    assert (Gap.objects.count(), hour()) == (1, [])
    WithPast.pasts.clear()
    price_collector.refresh(past, price_collector.due(past))
    assert (work_off(), Gap.objects.count()) == (["success"], 0)


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("fake.candle:1h", "Fake: świece 1h"),
        ("fake.price", "Fake: historia cen"),
        ("fake.gaps", "Fake: luki"),
        ("fake.fill", "Fake: zamówiona historia"),
        ("fake.fill.4h", "Fake: historia świec 4h"),
    ],
)
def test_people_read_of_which_series_a_problem_is(subject: str, words: str) -> None:
    assert label(subject, {"fake": "Fake"}) == words
