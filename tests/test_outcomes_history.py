"""The tables as the record reads them: which bars, which decisions, and what a decision costs on its day."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from markets.instruments import redenominations
from markets.instruments.redenominations import Break
from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_bars
from markets.store.publish import publish
from signals import rules
from signals.models import Signal, midnight
from signals.outcomes import history
from signals.outcomes.panel import Decided
from signals.outcomes.samples import seconds_of
from signals.rules.macd_cross import MacdCross
from signals.rules.rsi_reversal import RsiReversal
from tests.market import bar, source

pytestmark = pytest.mark.django_db

MACD, RSI = "macd_signal_cross_12_26_9", "rsi_reversal_14_30_70"
START = date(2026, 1, 5)


@pytest.fixture
def bring(nbp: Source, job: Job, at: Callable[[str], None]) -> Callable[..., Instrument]:
    """Store closes of a code on consecutive days from START (table A unless said) and answer its instrument."""
    at("2026-11-20 13:00")

    def save(code: str, *closes: str, table: str = "A", start: date = START) -> Instrument:
        kind = "metal" if table == "gold" else "currency"
        days = [(start + timedelta(days=n), RateRecord(code, mid=Decimal(close))) for n, close in enumerate(closes)]
        publish([Table(table, day, [record], kind=kind) for day, record in days], nbp, job)
        return Instrument.objects.get(code=code)

    return save


@pytest.fixture
def spreads(nbp: Source, job: Job) -> Callable[..., None]:
    def save(code: str, day: date, bid: str, ask: str) -> None:
        publish([Table("C", day, [RateRecord(code, bid=Decimal(bid), ask=Decimal(ask))])], nbp, job)

    return save


def say(instrument: Instrument, bar: date | datetime, label: str, **more: Any) -> Signal:
    fields: dict[str, Any] = {"rule": MACD, "timeframe": "1d", "horizon_days": 5, "backtested": True}
    as_of = bar if isinstance(bar, datetime) else midnight(bar)
    fields |= {"generated_at": as_of, "as_of": as_of} | more
    return Signal.objects.create(instrument=instrument, signal=label, **fields)


def read(family: str = "official") -> list[Decided]:
    failed: history.Failed = {}
    found = list(history.series_of(family, failed))
    assert failed == {}
    return found


def times(one: Decided) -> list[datetime]:
    return [datetime.fromtimestamp(seconds, UTC) for seconds in seconds_of(one).tolist()]


def test_a_series_has_its_closes_in_order_and_its_decisions_by_bar(bring: Callable[..., Instrument]) -> None:
    usd = bring("USD", "4.00", "4.10", "4.20", "4.30")
    say(usd, START, "BUY")
    say(usd, START + timedelta(days=1), "HOLD")
    say(usd, START + timedelta(days=2), "SELL", backtested=False)
    (one,) = read()
    assert (one.rule, one.code, one.timeframe, one.is_official) == (MACD, "USD", "1d", True)
    assert times(one)[0] == datetime(2026, 1, 5, tzinfo=UTC)
    assert list(one.closes) == [4.0, 4.1, 4.2, 4.3]
    assert one.decisions == {0: (1, False), 2: (-1, True)}


def test_a_decision_that_a_correction_took_back_is_none(bring: Callable[..., Instrument]) -> None:
    usd = bring("USD", "4.00", "4.10", "4.20")
    for day, first, second in [(0, "BUY", "HOLD"), (1, "BUY", "SELL"), (2, "HOLD", "BUY")]:
        say(usd, START + timedelta(days=day), first)
        say(usd, START + timedelta(days=day), second, version=2, backtested=False)
    (one,) = read()
    assert one.decisions == {1: (-1, True), 2: (1, True)}


def test_a_decision_whose_bar_is_gone_has_no_outcome(bring: Callable[..., Instrument]) -> None:
    """A currency that went to table B keeps its decisions, and its series ends."""
    usd = bring("USD", "4.00", "4.10")
    say(usd, START, "BUY")
    say(usd, START + timedelta(days=30), "SELL")
    (one,) = read()
    assert one.decisions == {0: (1, False)}


def test_a_retired_currency_is_read_to_its_last_day(bring: Callable[..., Instrument]) -> None:
    hrk = bring("HRK", "0.58", "0.59", start=date(2022, 12, 29))
    say(hrk, date(2022, 12, 30), "SELL")
    (one,) = read()
    assert (one.code, times(one)[-1].date(), one.decisions) == ("HRK", date(2022, 12, 30), {1: (-1, False)})


def test_no_outcome_reaches_across_a_redenomination_or_a_gap(
    bring: Callable[..., Instrument], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (Break("TRY", START + timedelta(days=2), Decimal(1_000_000), "a law"),)
    monkeypatch.setattr(redenominations, "BREAKS", rows)
    bring("TRY", "0.0000021", "0.0000022", "2.2", "2.1")
    lira = bring("TRY", "2.0", start=START + timedelta(days=90))
    say(lira, START, "BUY")
    (one,) = read()
    assert one.parts is not None
    first, second, third, fourth, fifth = one.parts
    assert first == second < third == fourth < fifth


def test_costs_are_half_of_the_spread_of_table_c_on_that_day(
    bring: Callable[..., Instrument], spreads: Callable[..., None]
) -> None:
    usd = bring("USD", "4.00", "4.10", "4.20")
    spreads("USD", START + timedelta(days=1), "3.96", "4.04")
    spreads("USD", START + timedelta(days=9), "3.90", "4.10")
    say(usd, START, "BUY")
    (one,) = read()
    assert one.half_spreads == {1: Decimal("0.01")}


def test_what_is_outside_table_c_and_gold_have_no_costs(
    bring: Callable[..., Instrument], spreads: Callable[..., None]
) -> None:
    """Not those of candles either: they are official, and no costs of theirs are known."""
    say(bring("UAH", "0.10", "0.11"), START, "BUY")
    say(bring("XAU", "260.10", "262.18", table="gold"), START, "SELL")
    spreads("USD", START, "3.96", "4.04")
    found = read()
    assert [(one.code, one.half_spreads, one.is_official) for one in found] == [
        ("UAH", None, True),
        ("XAU", None, True),
    ]
    assert list(found[1].closes) == [260.10, 262.18]


def test_candles_are_a_family_of_their_own_without_synthetic_and_open_ones(
    bring: Callable[..., Instrument], job: Job, at: Callable[[str], None]
) -> None:
    binance = source("binance", ["BTC"])
    volumes = {9: "12.5", 10: "0", 11: "3.5", 12: "1.5"}
    at("2026-10-26 13:30")  # 12:30 in UTC: the last one is open
    save_bars([bar(f"2026-10-26 {hour:02}:00", volume=volume) for hour, volume in volumes.items()], binance, job)
    btc = Instrument.objects.get(code="BTCUSDT")
    opened = datetime(2026, 10, 26, 11, tzinfo=UTC)
    say(btc, opened, "BUY", timeframe="1h", backtested=False)
    day = datetime(2026, 10, 25, tzinfo=UTC)
    save_bars([bar("2026-10-25 00:00", timeframe="1d", close_time=day + timedelta(days=1))], binance, job)
    say(btc, day, "SELL")
    say(bring("USD", "4.00", "4.10"), START, "BUY")
    of_days, one = sorted(read("candles"), key=lambda found: found.timeframe)
    assert (of_days.timeframe, of_days.is_official, of_days.decisions) == ("1d", False, {0: (-1, False)})
    assert (one.code, one.timeframe, one.is_official, one.half_spreads) == ("BTCUSDT", "1h", False, None)
    assert [time.hour for time in times(one)] == [9, 11]
    assert one.decisions == {1: (1, True)}
    assert [found.code for found in read()] == ["USD"]


def test_a_series_that_cannot_be_read_is_left_out_and_named(
    bring: Callable[..., Instrument], monkeypatch: pytest.MonkeyPatch
) -> None:
    say(bring("CHF", "4.00", "4.10"), START, "BUY")
    say(bring("USD", "4.00", "4.10"), START, "BUY")
    load = history.loaded

    def broken(instrument: Instrument, timeframe: str) -> Any:
        if instrument.code == "CHF":
            raise ValueError("the page is torn")
        return load(instrument, timeframe)

    monkeypatch.setattr(history, "loaded", broken)
    failed: history.Failed = {}
    assert [one.code for one in history.series_of("official", failed)] == ["USD"]
    assert failed == {"CHF 1d": "ValueError('the page is torn')"}


def test_a_rule_with_former_parameters_is_no_panel_any_more(bring: Callable[..., Instrument]) -> None:
    usd = bring("USD", "4.00", "4.10")
    say(usd, START, "BUY", rule="macd_signal_cross_5_35_5")
    assert read() == []
    assert history.keys(history.tried_on("official")) == []


def test_every_rule_of_a_series_shares_one_reading_of_it(
    bring: Callable[..., Instrument], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "RULES", {"macd_cross": MacdCross.configured, "rsi_reversal": RsiReversal.configured})
    usd = bring("USD", "4.00", "4.10", "4.20")
    say(usd, START, "BUY")
    with CaptureQueriesContext(connection) as one_rule:
        read()
    say(usd, START, "BUY", rule=RSI)
    with CaptureQueriesContext(connection) as two_rules:
        found = read()
    assert len(two_rules) == len(one_rule)
    assert found[0].times is found[1].times
    assert [one.rule for one in found] == [MACD, RSI]


def test_panels_are_named_before_anybody_looks_at_them(bring: Callable[..., Instrument]) -> None:
    usd, eur = bring("USD", "4.00", "4.10"), bring("EUR", "4.00", "4.10")
    say(usd, START, "BUY")
    say(usd, START + timedelta(days=1), "BUY", backtested=False)
    say(eur, START, "SELL")
    found = history.keys(history.tried_on("official"))
    assert {(key.code, key.live) for key in found} == {
        ("", False), ("", True), ("EUR", False), ("USD", False), ("USD", True),
    }  # fmt: skip
    assert {key.horizon for key in found} == {1, 5, 20}
    assert len(found) == 5 * 3
