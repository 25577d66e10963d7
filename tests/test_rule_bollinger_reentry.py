"""Returns between the Bollinger bands: decisions computed by hand and by TA-Lib, and what is said of them."""

import json
from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib

from signals import rules
from signals.rules.bollinger_reentry import BollingerReentry
from signals.rules.rule import Bar, Row
from tests.test_indicators import real

RULE = BollingerReentry(20, 2.0)
REGISTERED = rules.RULES["bollinger_reentry"]
# Of 12 12 10 10 the mean is 11 and the deviation 1: the last close stands on its lower band. The bar before has a mean
# of 11.5 and a deviation of √0.75: 10 lies under 10.634.
SHORT = BollingerReentry(4, 1.0)
ON_THE_LOWER = (12.0, 12.0, 12.0, 10.0, 10.0)
ON_THE_UPPER = (10.0, 10.0, 10.0, 12.0, 12.0)


def stepped(
    rule: BollingerReentry, closes: tuple[float, ...], state: Row | None = None
) -> tuple[list[Any], list[int], Row]:
    row, rows, decisions = rule.initial if state is None else state, [], []
    for close in closes:
        row, values, decision = rule.step(row, Bar(close))
        rows.append(values)
        decisions.append(decision)
    return rows, decisions, row


@pytest.mark.parametrize(("closes", "band", "decision"), [(ON_THE_LOWER, 0, 1), (ON_THE_UPPER, 2, -1)])
def test_a_close_on_the_band_is_back(closes: tuple[float, ...], band: int, decision: int) -> None:
    rows, decisions, row = stepped(SHORT, closes)
    assert rows[-1][band] == closes[-1]
    assert rows[-1][3] == closes[-2]
    assert rows[-1][4:] == pytest.approx([11.5 - 0.75**0.5, 11.5 + 0.75**0.5] if decision > 0 else [
        10.5 - 0.75**0.5, 10.5 + 0.75**0.5,
    ])  # fmt: skip
    assert decisions == [0, 0, 0, 0, decision]
    assert stepped(SHORT, (closes[0],), row)[1] == [0], "it comes from the band, and not from beyond it"


@pytest.mark.parametrize(("closes", "decision"), [(ON_THE_LOWER, 1), (ON_THE_UPPER, -1)])
def test_a_close_that_is_still_beyond_its_band_is_held(closes: tuple[float, ...], decision: int) -> None:
    assert stepped(SHORT, (*closes[:4], closes[4] - decision))[1] == [0] * 5


def test_nothing_is_known_before_the_window_is_full_and_nothing_decided_before_the_bar_after() -> None:
    rows, decisions, _ = stepped(RULE, (*(4.0, 4.1) * 9, 4.0, 3.5, 4.0))
    assert all(isnan(value) for values in rows[:19] for value in values)
    assert [isnan(value) for value in rows[19]] == [False] * 3 + [True] * 3
    assert decisions == [0] * 20 + [1]
    assert RULE.warm_up == 21


@pytest.mark.parametrize("cut", range(1, 5))
def test_the_same_decisions_after_a_restart_between_the_two_bars(cut: int) -> None:
    _, first, row = stepped(SHORT, ON_THE_LOWER[:cut])
    assert len(row) == len(SHORT.initial)
    assert first + stepped(SHORT, ON_THE_LOWER[cut:], tuple(json.loads(json.dumps(row))))[1] == [0, 0, 0, 0, 1]


def test_a_constant_series_lies_on_both_bands_and_is_held() -> None:
    rows, decisions, _ = stepped(RULE, (4.2,) * 60)
    assert (set(map(tuple, rows[20:])), any(decisions)) == ({(4.2,) * 6}, False)


@pytest.mark.parametrize("code", ["USD", "EUR", "HUF"])
def test_thirty_years_are_decided_as_talib_would(code: str) -> None:
    closes = real(code)
    days = pd.to_datetime(range(closes.size), unit="D")
    found = RULE.evaluate(pd.DataFrame({"close": closes}, index=days), RULE.initial)
    upper, middle, lower = talib.BBANDS(closes, 20, 2, 2)
    assert np.allclose(found.values[19:, :3].T, [band[19:] for band in (lower, middle, upper)], rtol=1e-9)
    before = [np.concatenate(([nan], line[:-1])) for line in (closes, lower, upper)]
    expected = ((before[0] < before[1]) & (closes >= lower)).astype(int)
    expected -= ((before[0] > before[2]) & (closes <= upper)).astype(int)
    assert list(found.decisions) == list(expected)
    assert np.bincount(expected + 1).min() > 100


# What is said

BACK = {
    "close": 3.96, "lower": 3.954212, "middle": 4.0, "upper": 4.05, "previous_close": 3.954, "previous_lower": 3.957153,
    "previous_upper": 4.06,
}  # fmt: skip
DAYS = {"day": "26.10.2026", "day_before": "23.10.2026"}


def test_the_sentence_of_a_buy() -> None:
    text, facts = RULE.explain(BACK, "BUY", 4)
    assert text % {**facts, **DAYS} == (
        "Kurs wrócił od dołu do wnętrza wstęg Bollingera: 3,9540 przy linii 3,957153 (23.10.2026), "
        "teraz 3,9600 przy 3,954212 (26.10.2026), dlatego reguła mówi KUP."
    )


def test_the_sentence_of_a_sell() -> None:
    text, facts = RULE.explain({**BACK, "previous_close": 4.0612, "close": 4.03}, "SELL", 4)
    assert text % {**facts, **DAYS} == (
        "Kurs wrócił od góry do wnętrza wstęg Bollingera: 4,0612 przy linii 4,060000 (23.10.2026), "
        "teraz 4,0300 przy 4,050000 (26.10.2026), dlatego reguła mówi SPRZEDAJ."
    )


def test_the_page_tells_how_it_is_computed_and_when_it_decides() -> None:
    values, decisions = BollingerReentry(20, 2.5).formula()
    assert "Linia środkowa: średnia z 20 kursów. Wstęgi: linia środkowa ± 2,5 · σ" in values
    assert "KUP: poprzedni kurs leżał pod swoją dolną wstęgą, a ten już nie." in decisions
    assert "od 21. świecy" in decisions


@pytest.mark.parametrize(
    ("close", "lower", "upper", "vote"),
    [
        (3.8, 3.9, 4.1, 1), (3.9, 3.9, 4.1, 0), (4.0, 3.9, 4.1, 0), (4.1, 3.9, 4.1, 0), (4.2, 3.9, 4.1, -1),
        (4.0, None, None, None), (4.0, nan, nan, None),
    ],
)  # fmt: skip
def test_the_rating_counts_a_close_beyond_its_band(
    close: float, lower: float | None, upper: float | None, vote: int | None
) -> None:
    assert RULE.vote({"close": close, "lower": lower, "upper": upper}) == vote


def test_span_and_width_are_settings_and_part_of_the_name(settings: Any) -> None:
    made = REGISTERED()
    assert (made.name, made.label) == ("bollinger_reentry_20_2", "Wstęgi Bollingera 20/2")
    assert made.needs == {"close"}
    assert made.timeframes == ("1d", "4h", "1h", "5m")
    settings.BOLLINGER_SPAN, settings.BOLLINGER_WIDTH = 10, 2.5
    made = REGISTERED()
    assert (made.name, made.label, made.warm_up) == ("bollinger_reentry_10_2.5", "Wstęgi Bollingera 10/2,5", 11)
    assert made.arguments == {"span": "10", "width": "2.5"}
