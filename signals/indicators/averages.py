"""Averages, the lines made of them, and the crossing of zero."""

from math import nan
from typing import Any

from signals.indicators import windows


def smoothing(span: int) -> float:
    """The weight of the newest value in an exponential average over `span` bars."""
    return 2.0 / (span + 1)


def ema(before: float, value: float, weight: float, bars: float) -> float:
    """Exponential average: e += weight · (x − e), seeded with the first value (`bars` came before this one).

    First: bar 0. As pandas' `ewm(adjust=False)`. TA-Lib seeds with a simple average instead: from about 9 spans on the
    two agree to 1e-9 of the price.
    """
    return value if bars == 0.0 else before + weight * (value - before)


def sma(row: Any, at: int, value: float, span: float) -> float:
    """Simple average: Σx / span over the newest `span` values. As TA-Lib's SMA.

    Keeps 1 + span: bars so far, the window. First: bar span − 1.
    """
    size = int(span)
    row[at] += 1.0
    mean = windows.mean(row, at + 1, size, value)
    return mean if row[at] >= size else nan


def macd(row: Any, at: int, close: float, fast: float, slow: float, signal: float) -> tuple[float, float, float]:
    """MACD, its signal line and the histogram; `fast`, `slow` and `signal` are weights (Appel 1979).

    MACD = EMA fast − EMA slow, signal line = EMA of it, histogram = MACD − signal line. Keeps 4: the fast average, the
    slow one, the signal line, bars so far. First: bar 0. The averages begin with the first close, and the signal line
    with zero, which MACD is then. TA-Lib seeds with simple averages: equal to 1e-9 of the price from bar 234 with
    12/26/9.
    """
    bars = row[at + 3]
    row[at] = ema(row[at], close, fast, bars)
    row[at + 1] = ema(row[at + 1], close, slow, bars)
    line = row[at] - row[at + 1]
    row[at + 2] += signal * (line - row[at + 2])
    row[at + 3] = bars + 1.0
    return line, row[at + 2], line - row[at + 2]


def ribbon(row: Any, at: int, value: float, weights: Any, first: int, count: int) -> None:
    """Move `count` EMAs, kept at row[at + 1] and behind it; their weights stand in weights[first] and behind it.

    Keeps 1 + count: bars so far, the averages. First: bar 0.
    """
    bars = row[at]
    for k in range(count):
        row[at + 1 + k] = ema(row[at + 1 + k], value, weights[first + k], bars)
    row[at] = bars + 1.0


def crossing(sign: float, value: float) -> tuple[float, int]:
    """The sign of a line after one more value, and 1 or -1 where it turned positive or negative, else 0.

    Zero keeps the sign before it; `sign` is 0 before the first value: nothing turns then.
    """
    if value > 0.0:
        return 1.0, 1 if sign < 0.0 else 0
    if value < 0.0:
        return -1.0, -1 if sign > 0.0 else 0
    return sign, 0
