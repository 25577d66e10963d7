"""Sides of the day's VWAP: decisions computed by hand and by pandas, days, candles, and what is said of them."""

import json
from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np
import pandas as pd
import pytest

from signals import rules
from signals.rules.rule import Bar, Row
from signals.rules.vwap_side import VwapSide
from tests.test_rules_laws import walk

RULE = VwapSide(0.05)
REGISTERED = rules.RULES["vwap_side"]
HOUR, DAY = 3600.0, 86400.0
# 26 October 2026, 00:00 UTC.
MIDNIGHT = pd.Timestamp("2026-10-26", tz="UTC").timestamp()


def bar(close: float, time: float, volume: float = 1.0) -> Bar:
    """A candle that never left its close, so that it counts with it."""
    return Bar(close, close, close, close, volume, time)


def of_day(closes: Sequence[float], step: float = HOUR, start: float = MIDNIGHT) -> list[Bar]:
    return [bar(close, start + step * number) for number, close in enumerate(closes)]


def stepped(bars: Sequence[Bar], state: Row | None = None, rule: VwapSide = RULE) -> tuple[list[Any], list[int], Row]:
    row, rows, decisions = rule.initial if state is None else state, [], []
    for one in bars:
        row, values, decision = rule.step(row, one)
        rows.append(values)
        decisions.append(decision)
    return rows, decisions, row


def decisions_of(bars: Sequence[Bar]) -> list[int]:
    return stepped(bars)[1]


# Bar 3 of the day lies under the mean of the three closes, bar 4 over that of the four, bar 5 under that of the five.
BOTH_WAYS = [100.0, 100.0, 97.0, 110.0, 90.0]


def test_a_side_is_changed_by_a_close_beyond_the_other_edge() -> None:
    rows, decisions, _ = stepped(of_day(BOTH_WAYS))
    assert [values[0] for values in rows] == pytest.approx([100, 100, 99, 101.75, 99.4])
    assert [values[1] for values in rows] == [1, 2, 3, 4, 5]
    assert [values[2] for values in rows[2:]] == [-1, 1, -1]
    assert np.isnan([values[2] for values in rows[:2]]).all()
    assert decisions == [0, 0, 0, 1, -1], "the first side turns nothing"


def test_high_and_low_count_as_much_as_the_close_and_a_candle_by_its_volume() -> None:
    bars = [Bar(100, 100, 112, 97, 1, MIDNIGHT), Bar(100, 100, 100, 100, 3, MIDNIGHT + HOUR)]
    assert [values[0] for values in stepped(bars)[0]] == [103, (103 + 3 * 100) / 4]


def on_edge(edge: float) -> list[Bar]:
    """A side is taken by bar 3; bar 4 closes at `edge` and traded so little that the VWAP stays at 100."""
    start = 90.0 if edge > 100 else 110.0
    lead = [bar(200 - start, MIDNIGHT, 1e15), bar(start, MIDNIGHT + HOUR, 1e15), bar(start, MIDNIGHT + 2 * HOUR, 0.0)]
    return [*lead, bar(edge, MIDNIGHT + 3 * HOUR, 0.0)]


@pytest.mark.parametrize(
    ("close", "decision"),
    [(100 * 1.0005, 0), (100 * 1.0005 + 1e-9, 1), (100 * 0.9995, 0), (100 * 0.9995 - 1e-9, -1), (100.0, 0)],
)
def test_a_close_on_the_edge_of_the_band_is_on_no_side(close: float, decision: int) -> None:
    rows, decisions, _ = stepped(on_edge(close))
    assert rows[-1][0] == 100
    assert decisions == [0, 0, 0, decision]
    assert rows[-1][2] == (decision or rows[-2][2]), "inside the band the side before it stays"


def test_the_side_is_kept_over_midnight_and_not_moved_by_bars_that_come_too_early() -> None:
    under = of_day(BOTH_WAYS[:3])
    next_day = MIDNIGHT + DAY
    # The VWAPs of the first two bars are 90 and 100: bar 2 is above, but only bar 3 is late enough.
    assert decisions_of([*under, *of_day([90.0, 110.0, 120.0], start=next_day)]) == [0] * 5 + [1]
    assert decisions_of([*under, *of_day([90.0, 110.0, 80.0], start=next_day)]) == [0] * 6
    assert decisions_of([*under, *of_day([90.0, 110.0, 100.0, 110.0], start=next_day)]) == [0] * 6 + [1]


@pytest.mark.parametrize(("step", "first"), [(HOUR, 3), (300.0, 6)])
def test_the_first_deciding_bar_of_a_day_goes_by_the_length_of_the_candles(step: float, first: int) -> None:
    closes = [100.0 + n for n in range(8)]
    falling = [200 - close for close in closes]
    rows, decisions, row = stepped([*of_day(falling, step), *of_day(closes, step, MIDNIGHT + DAY)])
    sides = [values[2] for values in rows]
    assert np.isnan(sides).tolist() == ([True] * (first - 1) + [False] * (9 - first)) * 2
    assert decisions == [0] * (8 + first - 1) + [1] + [0] * (8 - first)
    assert row[1] == (step < HOUR)


def test_only_a_whole_day_decides() -> None:
    """A series that begins at noon (or a part of it, after a gap) has no VWAP of that day."""
    noon = of_day(BOTH_WAYS, start=MIDNIGHT + DAY / 2)
    rows, decisions, row = stepped(noon)
    assert not any(decisions)
    assert np.isnan([values[2] for values in rows]).all()
    assert stepped(of_day(BOTH_WAYS, start=MIDNIGHT + DAY), row)[1] == [0, 0, 0, 1, -1]
    untraded = of_day(BOTH_WAYS, start=MIDNIGHT + DAY + HOUR)
    assert stepped(untraded, row)[1] == [0, 0, 0, 1, -1], "nothing was traded in the first hour of a later day"


def test_a_day_without_trade_has_no_side() -> None:
    rows, decisions, _ = stepped(
        [*of_day(BOTH_WAYS), *(one._replace(volume=0.0, time=one.time + DAY) for one in of_day(BOTH_WAYS))]
    )
    assert np.isnan([values[0] for values in rows[5:]]).all()
    assert np.isnan([values[2] for values in rows[5:]]).all()
    assert decisions[5:] == [0] * 5


@pytest.mark.parametrize("cut", range(1, 8))
def test_the_same_decisions_after_a_restart_on_any_bar_of_two_days(cut: int) -> None:
    bars = [
        *of_day(BOTH_WAYS, 300.0),
        *of_day([100.0, 90.0, 95.0, 96.0, 90.0, 92.0, 120.0, 60.0], 300.0, MIDNIGHT + DAY),
    ]
    _, first, row = stepped(bars[:cut])
    assert len(row) == len(RULE.initial)
    assert first + stepped(bars[cut:], tuple(json.loads(json.dumps(row))))[1] == decisions_of(bars)
    assert decisions_of(bars)[-2:] == [1, -1]


def test_a_constant_series_is_on_no_side() -> None:
    rows, decisions, _ = stepped(of_day([4.2] * 60))
    assert {values[2] for values in rows[2:24]} == {0.0}
    assert not any(decisions)


@pytest.mark.parametrize(("freq", "first"), [("h", 3), ("5min", 6)])
def test_weeks_are_decided_as_pandas_would(freq: str, first: int) -> None:
    frame = walk(4000)
    frame.index = pd.date_range("2026-01-01", periods=4000, freq=freq, tz="UTC")
    found = RULE.evaluate(frame, RULE.initial)
    day = frame.index.floor("D")
    typical = (frame["high"] + frame["low"] + frame["close"]) / 3
    vwap = (typical * frame["volume"]).groupby(day).cumsum() / frame["volume"].groupby(day).cumsum()
    off = (frame["close"] > 1.0005 * vwap).astype(int) - (frame["close"] < 0.9995 * vwap).astype(int)
    late = frame.groupby(day).cumcount() + 1 >= first
    sides = off[late & (off != 0)]
    turned = sides.diff().fillna(0).reindex(frame.index, fill_value=0) / 2
    assert np.allclose(found.values[:, 0], vwap, rtol=1e-12)
    assert list(found.decisions) == list(turned.astype(int))
    assert min((turned > 0).sum(), (turned < 0).sum()) > 30


# What is said


@pytest.mark.parametrize(
    ("number", "counted"), [(3, "3 świecach"), (5, "5 świecach"), (12, "12 świecach"), (22, "22 świecach")]
)
def test_the_sentence_of_a_buy(number: int, counted: str) -> None:
    values = {"close": 67012.5, "vwap": 66901.23456, "bar_of_day": float(number), "side": 1.0}
    text, facts = RULE.explain(values, "BUY", 2)
    assert text % facts == (
        "Cena przeszła nad VWAP tej doby (UTC): 67\u00a0012,50 wobec 66\u00a0901,2346, "
        f"po {counted.replace(' ', chr(160))} od północy, dlatego reguła mówi KUP."
    )


def test_the_sentence_of_a_sell() -> None:
    text, facts = RULE.explain({"close": 3.9795, "vwap": 3.985914, "bar_of_day": 1.0, "side": -1.0}, "SELL", 4)
    assert text % facts == (
        "Cena przeszła pod VWAP tej doby (UTC): 3,9795 wobec 3,985914, po 1\u00a0świecy od północy, "
        "dlatego reguła mówi SPRZEDAJ."
    )


def test_the_page_tells_how_it_is_computed_and_when_it_decides() -> None:
    values, decisions = RULE.formula()
    assert "VWAP doby = Σ(cena typowa · wolumen) / Σ wolumenu, sumy od 00:00 UTC" in values
    assert "KUP: cena jest więcej niż 0,05% nad VWAP, a ostatnio była więcej niż 0,05% pod nim." in decisions
    assert "od 3. świecy godzinowej i 6. pięciominutowej" in decisions


@pytest.mark.parametrize(("side", "vote"), [(1.0, 1), (-1.0, -1), (0.0, 0), (None, None), (nan, None)])
def test_the_rating_counts_the_side(side: float | None, vote: int | None) -> None:
    assert RULE.vote({"close": 4.0, "vwap": 4.1, "bar_of_day": 7.0, "side": side}) == vote


def test_the_band_is_a_setting_and_part_of_the_name(settings: Any) -> None:
    made = REGISTERED()
    assert (made.name, made.label) == ("vwap_side_0.05", "VWAP 0,05%")
    assert made.needs == {"close", "high", "low", "volume"}
    assert made.timeframes == ("1h", "5m")
    settings.VWAP_SIDE_PERCENT = 1.0
    made = REGISTERED()
    assert (made.name, made.label, made.arguments) == ("vwap_side_1", "VWAP 1%", {"percent": "1"})
    assert made.parameters[:2] == (1.01, 0.99)
