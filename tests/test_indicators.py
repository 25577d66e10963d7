"""The averages, against an independent library and against themselves."""

from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from miner.providers.nbp_archive import series
from signals.indicators import averages
from signals.rules.macd_cross import MacdCross

SPANS = (12, 26, 9)
RULE = MacdCross(*SPANS)


class Macd(NamedTuple):
    """What was computed, one array a value, and the state behind the last bar."""

    fast: np.ndarray
    slow: np.ndarray
    line: np.ndarray
    signal: np.ndarray
    histogram: np.ndarray
    turns: np.ndarray
    state: tuple[float, ...]


def macd(closes: np.ndarray, state: tuple[float, ...] = RULE.initial) -> Macd:
    found = RULE.evaluate(pd.DataFrame({"close": closes}, index=pd.to_datetime(range(closes.size), unit="D")), state)
    values, turns, behind = found
    fast, slow, line, signal, histogram, _before = values.T
    return Macd(fast, slow, line, signal, histogram, turns, behind)


def real(code: str) -> np.ndarray:
    """Mids of table A since 1995, as floats."""
    return np.array([float(value) for _, letter, value in series(code) if letter == "A"])


@pytest.mark.parametrize("code", ["USD", "EUR", "JPY", "HUF"])
def test_macd_equals_talib_to_a_billionth_of_the_price_from_bar_900_on(code: str) -> None:
    closes = real(code)
    ours = macd(closes)
    line, signal, histogram = talib.MACD(closes, *SPANS)
    for mine, theirs in [(ours.line, line), (ours.signal, signal), (ours.histogram, histogram)]:
        assert np.max(np.abs(mine[900:] - theirs[900:]) / closes[900:]) < 1e-9


def test_the_averages_begin_with_the_first_value() -> None:
    found = macd(np.array([10.0, 11.0]))
    assert (found.fast[0], found.slow[0], found.line[0], found.signal[0]) == (10.0, 10.0, 0.0, 0.0)
    assert found.fast[1] == 10.0 + 2 / 13 * 1.0
    expected = pd.Series(real("USD")[:50]).ewm(span=12, adjust=False).mean().to_numpy()
    assert np.allclose(macd(real("USD")[:50]).fast, expected, rtol=1e-14)


@pytest.mark.slow
@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=60), st.integers(0, 60))
def test_bar_by_bar_equals_all_at_once_to_the_last_bit(closes: list[float], cut: int) -> None:
    values = np.array(closes)
    whole = macd(values)
    rest = macd(values[cut:], macd(values[:cut]).state)
    assert rest.histogram.tobytes() == whole.histogram[cut:].tobytes()
    assert rest.state == whole.state


def test_a_constant_series_never_turns() -> None:
    found = macd(np.full(600, 4.2))
    assert not found.histogram.any()
    assert not found.turns.any()


@pytest.mark.parametrize(
    ("histogram", "before", "turns", "after"),
    [
        ([1.0, -1.0, 1.0], 0, [0, -1, 1], 1),
        ([0.0, 0.0, -1.0], 0, [0, 0, 0], -1),
        ([1.0, 0.0, 1.0], 0, [0, 0, 0], 1),
        ([1.0, 0.0, -1.0], 0, [0, 0, -1], -1),
        ([0.0, 0.0], -1, [0, 0], -1),
        ([0.5], -1, [1], 1),
        ([], 1, [], 1),
    ],
)
def test_zero_keeps_the_sign_before_it(histogram: list[float], before: int, turns: list[int], after: int) -> None:
    sign, found = float(before), []
    for value in histogram:
        sign, turned = averages.crossing(sign, value)
        found.append(turned)
    assert (found, sign) == (turns, after)


@pytest.mark.parametrize("code", ["USD", "EUR", "CHF"])
def test_crossings_of_twenty_years_equal_those_of_an_independent_computation(code: str) -> None:
    days = [day for day, letter, _ in series(code) if letter == "A"]
    closes = real(code)
    ours = macd(closes).turns
    _, _, theirs = talib.MACD(closes, *SPANS)
    expected = np.sign(theirs[900:]) != np.sign(theirs[899:-1])
    assert days[-1] - days[900] > date(2020, 1, 1) - date(2000, 1, 1)
    assert (ours[900:] != 0).tolist() == expected.tolist()
    assert expected.sum() > 200
