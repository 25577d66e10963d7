"""Each indicator against two independent packages: TA-Lib, and pandas-ta-classic without TA-Lib."""

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib

from signals import compiled
from signals.indicators import averages, together
from tests.indicator_frames import CODES, official, walk

# From which bar on an average that begins with the first close is TA-Lib's, which begins with a simple average, to 1e-9
# of the price: the seed of EMA p weighs (1 − 2/(p + 1))ⁿ at bar n.
EQUAL_AT = {
    "ema_12": 106, "ema_20": 175, "ema_25": 229, "ema_26": 229, "ema_30": 270, "ema_35": 310, "ema_40": 350,
    "ema_45": 390, "ema_50": 430, "ema_55": 464, "macd": 229, "macd_signal": 234, "macd_histogram": 219,
}  # fmt: skip


@cache
def daily(code: str) -> tuple[np.ndarray, pd.DataFrame]:
    """Closes since 2002, and what is computed of them."""
    frame = official(code)["2002":]
    return frame["close"].to_numpy(copy=True), compiled.all_indicators(frame)


@cache
def hourly() -> tuple[list[np.ndarray], pd.DataFrame]:
    """High, low, close, volume; and what is computed of them."""
    frame = walk()
    columns = [frame[name].to_numpy(copy=True) for name in ("high", "low", "close", "volume")]
    return columns, compiled.all_indicators(frame)


def later(values: np.ndarray, length: int) -> np.ndarray:
    """An answer of TA-Lib to an input whose front was cut off, at the bars that it belongs to."""
    return np.concatenate((np.full(length - values.size, np.nan), values))


def agree(own: Any, theirs: Any, scale: Any, first: int, at: int | None = None) -> None:
    """NaN before bar `first`, from bar `at` on equal to a billionth of `scale`."""
    mine = np.asarray(own, np.float64)
    assert np.isnan(mine[:first]).all()
    assert np.isfinite(mine[first:]).all()
    start = first if at is None else at
    distance = np.abs(mine - np.asarray(theirs)) / scale
    assert np.max(distance[start:]) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_indicators_of_a_close_are_those_of_talib(code: str) -> None:
    closes, own = daily(code)
    assert closes.size > 6000
    for span in (12, 26, *together.RIBBON):
        name = f"ema_{span}"
        agree(own[name], talib.EMA(closes, span), closes, 0, EQUAL_AT[name])
    names = ("macd", "macd_signal", "macd_histogram")
    for name, theirs in zip(names, talib.MACD(closes, 12, 26, 9), strict=True):
        agree(own[name], theirs, closes, 0, EQUAL_AT[name])
    agree(own["rsi_14"], talib.RSI(closes, 14), 100, 14)
    names = ("bollinger_upper", "bollinger_middle", "bollinger_lower")
    for name, theirs in zip(names, talib.BBANDS(closes, 20, 2, 2), strict=True):
        agree(own[name], theirs, closes, 19)
    agree(own["bollinger_middle"], talib.SMA(closes, 20), closes, 19)
    _raw, smooth = talib.STOCHRSI(closes, 14, 14, 3)
    agree(own["stochastic_rsi_k"], smooth, 100, 29)
    agree(own["stochastic_rsi_d"], later(talib.SMA(smooth[29:], 3), closes.size), 100, 31)


def test_a_simple_average_of_its_own_is_that_of_talib() -> None:
    closes, _ = daily("USD")
    row = [0.0] * 11
    own = [averages.sma(row, 0, close, 10.0) for close in closes[:300].tolist()]
    agree(own, talib.SMA(closes[:300], 10), closes[:300], 9)


def test_indicators_of_a_range_are_those_of_talib() -> None:
    (high, low, close, _), own = hourly()
    agree(own["atr_14"], talib.ATR(high, low, close, 14), close, 14)
    middle, reach = talib.EMA(close, 20), 2 * talib.ATR(high, low, close, 10)
    for name, theirs in {"lower": middle - reach, "middle": middle, "upper": middle + reach}.items():
        agree(own[f"keltner_{name}"], theirs, close, 10, 175)


def test_the_squeeze_is_made_of_the_parts_that_talib_has() -> None:
    (high, low, close, _), own = hourly()
    reach = later(talib.SMA(talib.TRANGE(high, low, close)[1:], 20), close.size)
    on = 2 * talib.STDDEV(close, 20, 1) < 1.5 * reach
    assert own["squeeze_on"][20:].tolist() == on[20:].astype(float).tolist()
    assert own["squeeze_fired"][21:].tolist() == (on[20:-1] & ~on[21:]).astype(float).tolist()
    assert own["squeeze_fired"].sum() > 20
    assert (own["squeeze_on"].isna().sum(), own["squeeze_fired"].isna().sum()) == (20, 21)
    source = close - (talib.MIDPRICE(high, low, 20) + talib.SMA(close, 20)) / 2
    agree(own["squeeze_momentum"], later(talib.LINEARREG(source[19:], 20), close.size), close, 38)


def test_the_volume_weighted_price_is_that_of_talib_over_all_and_over_each_day() -> None:
    columns, own = hourly()
    agree(own["vwap"], talib.VWAP(*columns), columns[2], 0)
    days = [talib.VWAP(*(column[start : start + 24] for column in columns)) for start in range(0, 1500, 24)]
    agree(own["vwap_day"], np.concatenate(days), columns[2], 0)


@pytest.fixture(scope="module")
def other() -> Any:
    """It tells pandas of what a later pandas will not have, and takes a second to be loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas_ta_classic

        yield pandas_ta_classic


def test_indicators_of_a_close_are_those_of_a_second_package(other: Any) -> None:
    close = walk()["close"]
    _, own = hourly()
    for span in (12, 26):
        agree(own[f"ema_{span}"], other.ema(close, span, talib=False), close, 0, 300)
    theirs = other.macd(close, talib=False)
    for name, there in {"macd": "MACD", "macd_signal": "MACDs", "macd_histogram": "MACDh"}.items():
        agree(own[name], theirs[f"{there}_12_26_9"], close, 0, 300)
    agree(own["rsi_14"], other.rsi(close, 14, talib=False), 100, 14)
    theirs = other.bbands(close, 20, 2, ddof=0, talib=False)
    for name, there in {"lower": "BBL", "middle": "BBM", "upper": "BBU"}.items():
        agree(own[f"bollinger_{name}"], theirs[f"{there}_20_2.0"], close, 19)
    theirs = other.stochrsi(close, 14, 14, 3, 3, talib=False)
    agree(own["stochastic_rsi_k"], theirs["STOCHRSIk_14_14_3_3"], 100, 29)
    agree(own["stochastic_rsi_d"], theirs["STOCHRSId_14_14_3_3"], 100, 31)


def test_indicators_of_a_bar_are_those_of_a_second_package(other: Any) -> None:
    frame = walk()
    close, bars = frame["close"], (frame["high"], frame["low"], frame["close"])
    _, own = hourly()
    agree(own["atr_14"], other.atr(*bars, 14, talib=False), close, 14)
    theirs = other.squeeze(*bars, lazybear=True, talib=False)
    agree(own["squeeze_momentum"], theirs["SQZ_20_2.0_20_1.5_LB"], close, 38)
    assert own["squeeze_on"][40:].tolist() == theirs["SQZ_ON"][40:].tolist()
    reach, middle = 2 * other.atr(*bars, 10, talib=False), other.ema(close, 20, talib=False)
    agree(own["keltner_upper"], middle + reach, close, 10, 300)
    agree(own["keltner_lower"], middle - reach, close, 10, 300)
    # It reckons the days of an index without a zone.
    naive = frame.tz_localize(None)
    theirs = other.vwap(naive["high"], naive["low"], naive["close"], naive["volume"])
    agree(own["vwap_day"], theirs, close, 0)
