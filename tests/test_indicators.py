"""The averages, against an independent library and against themselves."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from miner.providers.nbp_archive import series
from signals import indicators
from signals.rules import crossings

SPANS = (12, 26, 9)


def real(code: str) -> np.ndarray:
    """Mids of table A since 1995, as floats."""
    return np.array([float(value) for _, letter, value in series(code) if letter == "A"])


@pytest.mark.parametrize("code", ["USD", "EUR", "JPY", "HUF"])
def test_macd_equals_talib_to_a_billionth_of_the_price_from_bar_900_on(code: str) -> None:
    closes = real(code)
    ours = indicators.macd(closes, SPANS)
    line, signal, histogram = talib.MACD(closes, *SPANS)
    for mine, theirs in [(ours.line, line), (ours.signal, signal), (ours.histogram, histogram)]:
        assert np.max(np.abs(mine[900:] - theirs[900:]) / closes[900:]) < 1e-9


def test_the_averages_begin_with_the_first_value() -> None:
    macd = indicators.macd(np.array([10.0, 11.0]), SPANS)
    assert (macd.fast[0], macd.slow[0], macd.line[0], macd.signal[0]) == (10.0, 10.0, 0.0, 0.0)
    assert macd.fast[1] == 10.0 + 2 / 13 * 1.0
    expected = pd.Series(real("USD")[:50]).ewm(span=12, adjust=False).mean().to_numpy()
    assert np.allclose(indicators.macd(real("USD")[:50], SPANS).fast, expected, rtol=1e-14)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=60), st.integers(0, 60))
def test_bar_by_bar_equals_all_at_once_to_the_last_bit(closes: list[float], cut: int) -> None:
    values = np.array(closes)
    whole = indicators.macd(values, SPANS)
    state = indicators.macd(values[:cut], SPANS).state
    rest = indicators.macd(values[cut:], SPANS, state.tolist())
    assert rest.histogram.tobytes() == whole.histogram[cut:].tobytes()
    assert rest.state.tobytes() == whole.state.tobytes()


def test_a_constant_series_never_turns() -> None:
    macd = indicators.macd(np.full(600, 4.2), SPANS)
    assert not macd.histogram.any()
    assert not crossings(macd.histogram, 0)[0].any()


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
    found, sign = crossings(np.array(histogram), before)
    assert (found.tolist(), sign) == (turns, after)


@pytest.mark.parametrize("code", ["USD", "EUR", "CHF"])
def test_crossings_of_twenty_years_equal_those_of_an_independent_computation(code: str) -> None:
    days = [day for day, letter, _ in series(code) if letter == "A"]
    closes = real(code)
    ours, _ = crossings(indicators.macd(closes, SPANS).histogram, 0)
    _, _, theirs = talib.MACD(closes, *SPANS)
    expected = np.sign(theirs[900:]) != np.sign(theirs[899:-1])
    assert days[-1] - days[900] > date(2020, 1, 1) - date(2000, 1, 1)
    assert (ours[900:] != 0).tolist() == expected.tolist()
    assert expected.sum() > 200
