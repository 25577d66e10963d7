"""Each row says on which figures, by which parameters and by which formulas it was decided."""

import random
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from math import nan
from typing import Any

import pandas as pd
import pytest

from markets.models import Candle, Instrument, Job, Rate, Source
from markets.records import RateRecord, Table
from markets.store.prices import prune, save_bars
from markets.store.publish import publish
from signals import compiled, engine, hashes, rules, series
from signals.bars import Bars
from signals.models import AnalysisSnapshot, Signal
from signals.rules.macd_cross import MacdCross
from signals.rules.vwap_side import VwapSide
from signals.state import State
from tests.market import bar as candle
from tests.market import instrument as find
from tests.market import source
from tests.test_docs import blocks
from tests.test_engine import START, wave
from tests.test_rules_laws import ThreeInARow, unbroken, walk

pytestmark = pytest.mark.django_db
CLOSES = wave(600)
DAYS = [day for day, _ in CLOSES]


def chained(lines: Iterable[str]) -> list[str]:
    """As docs/technical.md tells an outsider."""
    newest, found = bytes(32), []
    for line in lines:
        newest = sha256(newest + f"{line}\n".encode()).digest()
        found.append(newest.hex())
    return found


def by_day(closes: list[tuple[date, Decimal]]) -> dict[date, str]:
    return dict(zip([day for day, _ in closes], chained(f"{day},{mid}" for day, mid in closes), strict=True))


@pytest.fixture
def bring(nbp: Source, job: Job, at: Callable[[str], None]) -> Callable[..., Instrument]:
    at("2026-11-20 13:00")

    def save(closes: list[tuple[date, Decimal]]) -> Instrument:
        publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in closes], nbp, job)
        return find("USD")

    return save


def states() -> list[State]:
    return [
        State.load(state) for state in AnalysisSnapshot.objects.filter(window="30d").values_list("state", flat=True)
    ]


# What a row says


def test_a_row_has_the_hash_of_all_published_figures_up_to_its_bar(bring: Callable) -> None:
    engine.decide(bring(CLOSES))
    expected = by_day(CLOSES)
    assert {row.as_of.date(): row.inputs for row in Signal.objects.all()} == {
        row.as_of.date(): expected[row.as_of.date()] for row in Signal.objects.all()
    }
    assert f"{CLOSES[0][1]}".endswith("0"), "a zero at the end is published as well"


def test_a_row_has_the_hash_of_its_parameters_and_the_name_of_its_formulas(bring: Callable, settings: Any) -> None:
    engine.decide(bring(CLOSES[:300]))
    row = Signal.objects.order_by("pk")[0]
    assert row.params == sha256(b'{"fast":"12","signal":"9","slow":"26"}').hexdigest()
    assert row.program == f"{settings.VERSION}+{compiled.release()}"


def test_the_profile_sorts_the_keys_and_has_no_spaces() -> None:
    rule = ThreeInARow()
    assert hashes.parameters(rule) == sha256(b"{}").hexdigest()
    rule.arguments = {"b": "0.05", "a": "20"}
    assert hashes.parameters(rule) == sha256(b'{"a":"20","b":"0.05"}').hexdigest()


@pytest.mark.parametrize(
    ("value", "text"),
    [(61234.5, "61234.5"), (100.0, "100"), (0.00001234, "0.00001234"), (1e15, "1000000000000000"), (0.1, "0.1")],
)
def test_a_figure_of_a_candle_has_neither_an_exponent_nor_zeros_at_the_end(value: float, text: str) -> None:
    assert series.digits(value) == text


def test_the_figures_of_a_candle_are_written_as_each_of_them_alone() -> None:
    row = [61234.5, 0.00001234, 1e15, 100.0, 0.1]
    for numbers in (row, row[:1], row[2:]):
        assert series.figures(numbers) == ",".join(map(series.digits, numbers))


def test_candles_are_chained_by_what_the_rule_needs_in_one_order() -> None:
    frame = walk(2)
    frame.iloc[0, :5] = [1.5, 1.25, 2.0, 1.0, 1e-7]
    frame.iloc[1, :5] = [1.75, 1.5, 2.0, 1.0, 12345678.25]
    times = [f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in frame.index]
    bars = unbroken(frame)
    assert series.lines(bars, ("close",)) == [f"{times[0]},1.5\n".encode(), f"{times[1]},1.75\n".encode()]
    whole = ("close", "open", "high", "low", "volume")
    assert series.lines(bars, whole)[0] == f"{times[0]},1.5,1.25,2,1,0.0000001\n".encode()
    assert series.lines(bars, whole)[1].endswith(b",12345678.25\n")


def test_the_text_of_a_candle_is_the_one_that_was_stored_on_both_databases(db: None, at: Callable[[str], None]) -> None:
    """SQLite reads the last bit of 0.002877 wrong, and PostgreSQL gives it ten decimals."""
    at("2026-10-26 12:30")
    noise = random.Random(4)
    prices = ["0.002877", "61234.5", "0.0000000123", "12345.6789012345", "100"]
    prices += [f"{noise.uniform(0.001, 90000):.9f}" for _ in range(40)]
    start, volume = datetime(2026, 10, 24, 0, tzinfo=UTC), "123456789.012345"
    times = [start + timedelta(hours=n) for n in range(len(prices))]
    bars = [
        candle(f"{time:%Y-%m-%d %H:%M}", *[price] * 4, volume=volume)
        for time, price in zip(times, prices, strict=True)
    ]  # fmt: skip
    save_bars(bars, source("binance", ["BTCUSDT"]))
    loaded = series.load(find("BTCUSDT"), "1h")
    plain = [f"{Decimal(price).normalize():f}" for price in prices]
    assert series.lines(loaded, ("close", "volume")) == [
        f"{time:%Y-%m-%dT%H:%M:%SZ},{price},{volume}\n".encode() for time, price in zip(times, plain, strict=True)
    ]


def test_a_bar_that_the_rule_does_not_use_is_not_in_its_chain() -> None:
    class OfVolume(ThreeInARow):
        needs = frozenset({"close", "volume"})

    frame = walk(40)
    frame.loc[frame.index[7], "volume"] = nan
    rule = OfVolume()
    found, state = engine.attested(engine.usable(unbroken(frame), rule), rule, None, {})
    assert found.inputs[-1] == state.inputs
    lines = series.lines(unbroken(frame.drop(frame.index[7])), ("close", "volume"))
    assert state.inputs.hex() == chained(line.decode().strip() for line in lines)[-1]


def test_rules_of_the_same_figures_share_one_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    bars, chains, asked = unbroken(walk(40)), engine.Chains(), []
    real = series.lines

    def counted(bars: Bars, columns: tuple[str, ...]) -> list[bytes]:
        asked.append(columns)
        return real(bars, columns)

    monkeypatch.setattr(series, "lines", counted)
    one, _ = engine.attested(bars, ThreeInARow(), None, chains)
    other, _ = engine.attested(bars, MacdCross(12, 26, 9), None, chains)
    assert list(one.inputs) == list(other.inputs)
    assert asked == [("close",)]


def test_the_example_of_the_page_is_what_the_engine_computes(nbp: Source) -> None:
    (example,) = (block for block in blocks("docs/technical.md", "python") if "sha256" in block)
    found: dict[str, Any] = {}
    exec(example, found)
    lines = re.findall(r'"([0-9-]{10}),([0-9.]+)"', example)
    usd = Instrument.objects.create(code="USD", kind="currency")
    Rate.objects.bulk_create(
        Rate(instrument=usd, source=nbp, table="A", effective_date=day, mid=mid, scale=6) for day, mid in lines
    )
    rule = MacdCross(12, 26, 9)
    found_here, _ = engine.attested(series.load(usd), rule, None, {})
    assert found_here.inputs[-1].hex() == found["inputs"].hex()
    assert hashes.parameters(rule) == found["params"]


# The newest hash is kept


@pytest.mark.slow
def test_bar_by_bar_gives_the_hashes_of_a_whole_recompute(bring: Callable) -> None:
    usd = bring(CLOSES[:300])
    engine.decide(usd)
    for number in range(300, 312):
        bring(CLOSES[number : number + 1])
        engine.decide(usd, since=DAYS[number])
    (state,) = states()
    expected = by_day(CLOSES[:312])
    assert state.inputs.hex() == expected[DAYS[311]]
    assert state.first == datetime(START.year, START.month, START.day, tzinfo=UTC)
    assert all(row.inputs == expected[row.as_of.date()] for row in Signal.objects.all())
    assert engine.decide(usd) == 0
    assert states() == [state]


def test_a_new_bar_hashes_one_line(bring: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    usd = bring(CLOSES[:300])
    engine.decide(usd)
    bring(CLOSES[300:301])
    hashed: list[bytes] = []
    real = hashes.chain

    def told(lines: list[bytes], newest: bytes) -> list[bytes]:
        hashed.extend(lines)
        return real(lines, newest)

    monkeypatch.setattr(hashes, "chain", told)
    engine.decide(usd, since=DAYS[300])
    assert hashed == [f"{DAYS[300]},{CLOSES[300][1]}\n".encode()]


def test_what_an_earlier_release_decided_stays_unattested_and_its_series_is_hashed_once(bring: Callable) -> None:
    usd = bring(CLOSES[:300])
    engine.decide(usd)
    (state,) = states()
    old = {name: value for name, value in state.dump().items() if name in {"as_of", "live_since", "bars", "row"}}
    AnalysisSnapshot.objects.update(state=old)
    Signal.objects.update(inputs=None, params=None, program=None)
    before = list(Signal.objects.order_by("pk").values())
    assert engine.decide(usd, since=DAYS[300]) == 0
    assert states() == [state]
    bring(CLOSES[300:310])
    assert engine.decide(usd, since=DAYS[300]) > 0
    assert list(Signal.objects.order_by("pk").values())[: len(before)] == before
    newest = Signal.objects.order_by("-as_of")[0]
    assert newest.inputs == by_day(CLOSES[:310])[DAYS[309]]


# What a correction does


def test_other_figures_under_the_same_decisions_write_nothing(bring: Callable, at: Callable) -> None:
    usd = bring(CLOSES)
    engine.decide(usd)
    before = list(Signal.objects.order_by("pk").values())
    at("2026-11-21 13:00")
    corrected = [*CLOSES[:100], (DAYS[100], CLOSES[100][1] + Decimal("0.0001")), *CLOSES[101:]]
    bring(corrected[100:101])
    assert engine.decide(usd, since=DAYS[100]) == 0
    assert list(Signal.objects.order_by("pk").values()) == before
    (state,) = states()
    assert state.inputs.hex() == by_day(corrected)[DAYS[599]]
    assert state.changed == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert engine.decide(usd) == 0
    assert states() == [state], "a recompute of the same figures has found no others"


def test_a_version_that_supersedes_stands_on_the_corrected_figures(bring: Callable) -> None:
    usd = bring(CLOSES)
    engine.decide(usd)
    turn = Signal.objects.filter(signal="BUY", as_of__date__gt=START + timedelta(days=400)).order_by("as_of")[0]
    place = DAYS.index(turn.as_of.date())
    corrected = [*CLOSES[:place], (DAYS[place], Decimal("3.5000")), *CLOSES[place + 1 :]]
    bring(corrected[place : place + 1])
    engine.decide(usd, since=DAYS[place])
    first, second = Signal.objects.filter(as_of=turn.as_of).order_by("version")
    assert (first.inputs, second.inputs) == (by_day(CLOSES)[DAYS[place]], by_day(corrected)[DAYS[place]])


def test_a_decision_that_is_withdrawn_stands_on_no_figures(bring: Callable) -> None:
    usd = bring(CLOSES)
    engine.decide(usd)
    Rate.objects.filter(effective_date__gte=DAYS[400]).update(table="B")
    assert engine.decide(usd, since=DAYS[400]) > 0
    withdrawn = Signal.objects.filter(version=2)
    assert {(row.signal, row.inputs, row.params is None) for row in withdrawn} == {("HOLD", None, False)}
    assert {row.as_of.date() >= DAYS[400] for row in withdrawn} == {True}


# Retention


class Fives(ThreeInARow):
    timeframes = ("5m",)  # type: ignore[assignment]  # the example names two


@pytest.fixture
def bitcoin(db: None, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Instrument:
    """Ten hours of five minutes, four of them older than the thirty days that are kept."""
    at("2026-10-26 12:30")
    monkeypatch.setitem(rules.RULES, "fives", Fives)
    first, bars = pd.Timestamp("2026-09-25 20:00"), []
    for n in range(120):
        close = str(100 + abs(n % 10 - 5))
        start = f"{first + timedelta(minutes=5 * n):%Y-%m-%d %H:%M}"
        bars.append(candle(start, close, "110", "90", close, timeframe="5m"))
    save_bars(bars, source("binance", ["BTCUSDT"]))
    return find("BTCUSDT")


def test_a_decision_stays_whose_candle_retention_has_pruned(bitcoin: Instrument) -> None:
    assert engine.decide(bitcoin, "5m") > 20
    before = list(Signal.objects.order_by("pk").values())
    prune(30)
    assert Candle.objects.filter(timeframe="5m").count() == 72
    assert engine.decide(bitcoin, "5m") == 0, "nor do those withdraw that are the warm-up now"
    assert list(Signal.objects.order_by("pk").values()) == before


def test_a_side_that_was_seen_on_pruned_candles_is_not_forgotten_with_them(
    at: Callable[[str], None], db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-10-26 12:30")
    monkeypatch.setattr(rules, "RULES", {"vwap_side": VwapSide.configured})
    first, bars = pd.Timestamp("2026-09-25"), []
    for n in range(3 * 288):
        # Each evening ends low, and bars 6 and 30 of each day are far from its mean: over it and under it.
        close = "101" if n % 288 == 5 else "99" if n % 288 == 29 else "100"
        start = f"{first + timedelta(minutes=5 * n):%Y-%m-%d %H:%M}"
        bars.append(candle(start, *[close] * 4, timeframe="5m"))
    save_bars(bars, source("binance", ["BTCUSDT"]))
    bitcoin = find("BTCUSDT")
    assert engine.decide(bitcoin, "5m") == 5, "each but the first side"
    before = list(Signal.objects.order_by("pk").values())
    prune(30)
    changed = Candle.objects.filter(timeframe="5m").order_by("-open_time")[20]
    Candle.objects.filter(pk=changed.pk).update(close="100.01", high="100.01")
    assert engine.decide(bitcoin, "5m", since=changed.open_time) == 0, "the first one on 27 September stays a turn"
    assert list(Signal.objects.order_by("pk").values()) == before


def test_decisions_stay_when_all_candles_of_a_series_are_pruned(bitcoin: Instrument) -> None:
    engine.decide(bitcoin, "5m")
    before = Signal.objects.count(), states()
    Candle.objects.filter(timeframe="5m").delete()
    assert engine.decide(bitcoin, "5m") == 0
    assert (Signal.objects.count(), states()) == before


def test_a_decision_goes_whose_candle_turns_out_to_be_half_known(bitcoin: Instrument) -> None:
    engine.decide(bitcoin, "5m")
    prune(30)
    turn = Signal.objects.exclude(signal="HOLD").order_by("-as_of")[0]
    Candle.objects.filter(timeframe="5m", open_time=turn.as_of).update(partial=True)
    assert engine.decide(bitcoin, "5m") > 0
    newest = Signal.objects.filter(as_of=turn.as_of).order_by("-version")[0]
    assert (newest.signal, newest.values) == ("HOLD", {"withdrawn": True})
