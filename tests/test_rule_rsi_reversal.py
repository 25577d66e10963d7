"""RSI reversals: published values, decisions computed by hand and by TA-Lib, and what is said of them."""

import json
from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib

from signals import rules
from signals.rules.rsi_reversal import RsiReversal
from signals.rules.rule import Bar, Row
from tests.test_indicators import real

RULE = RsiReversal(14, 30, 70)
REGISTERED = rules.RULES["rsi_reversal"]
# ChartSchool of StockCharts, "Relative Strength Index (RSI)": closes, and the RSI from the fifteenth on.
PUBLISHED = (
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.6140,
    46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122,
)  # fmt: skip
STRENGTHS = [70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93]
# Of two changes the first averages are their mean; from then on each change weighs a half.
SHORT = RsiReversal(2, 30, 70)
FALL_AND_RISE = (100.0, 93.0, 86.0, 89.0)  # g = 3/2, l = 7/2
RISE_AND_FALL = (100.0, 107.0, 114.0, 111.0)


def stepped(rule: RsiReversal, closes: tuple[float, ...], state: Row | None = None) -> tuple[list[Any], list[int], Row]:
    row, strengths, decisions = rule.initial if state is None else state, [], []
    for close in closes:
        row, values, decision = rule.step(row, Bar(close))
        strengths.append(values[0])
        decisions.append(decision)
    return strengths, decisions, row


def test_the_published_strengths_come_out_and_the_first_bar_that_fell_from_above_70_is_a_sell() -> None:
    strengths, decisions, _ = stepped(RULE, PUBLISHED)
    assert all(map(isnan, strengths[:14]))
    assert [round(value, 2) for value in strengths[14:]] == STRENGTHS
    assert decisions == [0] * 15 + [-1] + [0] * 5, "70.53, then 66.32"


@pytest.mark.parametrize(("closes", "on_the_bound", "decision"), [(FALL_AND_RISE, 30, 1), (RISE_AND_FALL, 70, -1)])
def test_a_bar_that_comes_to_stand_on_the_bound_has_left_the_zone(
    closes: tuple[float, ...], on_the_bound: float, decision: int
) -> None:
    strengths, decisions, row = stepped(SHORT, closes)
    assert strengths[-1] == on_the_bound
    assert decisions == [0, 0, 0, decision]
    further = closes[-1] + 5 * decision
    assert stepped(SHORT, (further,), row)[1] == [0], "it comes from the bound, and not from the zone"


@pytest.mark.parametrize(("closes", "decision"), [(FALL_AND_RISE, 1), (RISE_AND_FALL, -1)])
def test_a_hair_inside_the_zone_is_no_return_from_it(closes: tuple[float, ...], decision: int) -> None:
    assert stepped(SHORT, (*closes[:3], closes[3] - 1e-9 * decision))[1] == [0, 0, 0, 0]


def test_the_same_decisions_after_a_restart_between_the_two_bars() -> None:
    for cut in range(1, len(PUBLISHED)):
        _, first, row = stepped(RULE, PUBLISHED[:cut])
        assert len(row) == len(RULE.initial)
        _, rest, _ = stepped(RULE, PUBLISHED[cut:], tuple(json.loads(json.dumps(row))))
        assert first + rest == stepped(RULE, PUBLISHED)[1]


def test_a_constant_series_stands_at_50() -> None:
    strengths, decisions, _ = stepped(RULE, (4.2,) * 40)
    assert (set(strengths[14:]), any(decisions)) == ({50.0}, False)


@pytest.mark.parametrize("code", ["USD", "EUR", "HUF"])
def test_thirty_years_are_decided_as_talib_would(code: str) -> None:
    closes = real(code)
    days = pd.to_datetime(range(closes.size), unit="D")
    found = RULE.evaluate(pd.DataFrame({"close": closes}, index=days), RULE.initial)
    theirs = talib.RSI(closes, 14)
    before = np.concatenate(([nan], theirs[:-1]))
    assert np.allclose(found.values[:, 0], theirs, rtol=0, atol=1e-9, equal_nan=True)
    expected = ((before < 30) & (theirs >= 30)).astype(int) - ((before > 70) & (theirs <= 70)).astype(int)
    assert list(found.decisions) == list(expected)
    assert np.bincount(expected + 1).min() > 50


def test_the_first_deciding_bar_is_where_the_first_averages_weigh_a_millionth() -> None:
    assert RULE.warm_up == 200
    assert (13 / 14) ** (RULE.warm_up - 14) == pytest.approx(1e-6, rel=0.1)
    assert RsiReversal(28, 30, 70).warm_up == 407


# What is said


def test_the_sentence_of_a_buy() -> None:
    text, facts = RULE.explain({"close": 4.0, "previous_rsi": 29.996, "rsi": 30.0}, "BUY", 4)
    assert text % {**facts, "day": "26.10.2026", "day_before": "23.10.2026"} == (
        "RSI(14) wyszedł ze strefy poniżej 30: z 29,99 (23.10.2026) na 30,00 (26.10.2026), dlatego reguła mówi KUP."
    )


def test_the_sentence_of_a_sell() -> None:
    text, facts = RsiReversal(7, 25, 75).explain({"close": 4.0, "previous_rsi": 75.001, "rsi": 68.2449}, "SELL", 4)
    assert text % {**facts, "day": "26.10.2026", "day_before": "poprzednia świeca"} == (
        "RSI(7) wyszedł ze strefy powyżej 75: z 75,01 (poprzednia świeca) na 68,25 (26.10.2026), "
        "dlatego reguła mówi SPRZEDAJ."
    )


def test_the_page_tells_how_it_is_computed_and_when_it_decides() -> None:
    values, decisions = RULE.formula()
    assert "RSI(14) = 100 · g / (g + l)" in values
    assert "(13 · poprzednia średnia + zmiana) / 14" in values
    assert "KUP: RSI był poniżej 30 i już nie jest. SPRZEDAJ: RSI był powyżej 70 i już nie jest." in decisions
    assert "od 200. świecy" in decisions


@pytest.mark.parametrize(
    ("before", "now", "vote"),
    [
        (20.0, 25.0, 1), (25.0, 20.0, 0), (25.0, 25.0, 0), (29.0, 30.0, 0), (31.0, 29.0, 0), (80.0, 75.0, -1),
        (75.0, 80.0, 0), (71.0, 70.0, 0), (69.0, 71.0, 0), (40.0, 50.0, 0), (None, 20.0, None), (None, None, None),
        (nan, 20.0, None), (nan, nan, None),
    ],
)  # fmt: skip
def test_the_rating_counts_a_zone_that_is_being_left(before: float | None, now: float | None, vote: int | None) -> None:
    assert RULE.vote({"close": 4.0, "rsi": now, "previous_rsi": before}) == vote


def test_span_and_bounds_are_settings_and_part_of_the_name(settings: Any) -> None:
    assert (RULE.name, RULE.label) == ("rsi_reversal_14_30_70", "RSI 14, 30/70")
    made = REGISTERED()
    assert (made.name, made.needs) == (RULE.name, frozenset({"close"}))
    assert made.timeframes == ("1d", "4h", "1h", "5m")
    settings.RSI_SPAN, settings.RSI_LOW, settings.RSI_HIGH = 7, 20, 80
    assert REGISTERED().name == "rsi_reversal_7_20_80"
    assert REGISTERED().arguments == {"span": "7", "low": "20", "high": "80"}
