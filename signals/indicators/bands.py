"""Bands around a price, and the true range."""

from math import nan
from typing import Any

from signals.indicators import averages, windows


def bollinger(row: Any, at: int, close: float, span: float, width: float) -> tuple[float, float, float]:
    """Lower, middle and upper Bollinger band: SMA ± width · σ, σ² = Σ(x − SMA)²/span (Bollinger 2001).

    Keeps 1 + span: bars so far, the window. First: bar span − 1. As TA-Lib's BBANDS. A constant series has a
    width of exactly 0.
    """
    size = int(span)
    row[at] += 1.0
    middle, deviation = windows.mean_deviation(row, at + 1, size, close)
    if row[at] < size:
        return nan, nan, nan
    return middle - width * deviation, middle, middle + width * deviation


def true_range(high: float, low: float, before: float) -> float:
    """The largest of high − low, |high − close before| and |low − close before| (Wilder 1978)."""
    found, up, down = high - low, abs(high - before), abs(low - before)
    if up > found:
        found = up
    return down if down > found else found


def atr(row: Any, at: int, high: float, low: float, close: float, span: float) -> float:
    """Average true range: a = ((span − 1) a + TR) / span, seeded with the mean of the first `span` ranges (Wilder).

    Keeps 3: bars so far, the close before, the average (the sum until it is seeded). The first range is that of bar 1.
    First: bar span. As TA-Lib's ATR.
    """
    bars, before, average = row[at], row[at + 1], row[at + 2]
    row[at], row[at + 1] = bars + 1.0, close
    if bars == 0.0:
        return nan
    reach = true_range(high, low, before)
    if bars > span:
        row[at + 2] = (average * (span - 1.0) + reach) / span
    elif bars == span:
        row[at + 2] = (average + reach) / span
    else:
        row[at + 2] = average + reach
        return nan
    return float(row[at + 2])


def keltner(
    row: Any, at: int, high: float, low: float, close: float, span: float, atr_span: float, width: float
) -> tuple[float, float, float]:
    """Lower, middle and upper Keltner channel: EMA of the close ± width · ATR (Keltner 1960, Raschke's form).

    Keeps 4: what `atr` keeps, the EMA. First: bar atr_span (the EMA begins with the first close). TA-Lib's KC is
    another channel: its middle is an EMA of (high + low + close) / 3.
    """
    row[at + 3] = averages.ema(row[at + 3], close, 2.0 / (span + 1.0), row[at])
    reach = width * atr(row, at, high, low, close, atr_span)
    if row[at] <= atr_span:
        return nan, nan, nan
    middle = float(row[at + 3])
    return middle - reach, middle, middle + reach
