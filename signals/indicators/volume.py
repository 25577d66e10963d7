"""Prices weighed by the volume that was traded at them."""

from math import floor, nan
from typing import Any

DAY_SECONDS = 86400.0


def vwap(row: Any, at: int, high: float, low: float, close: float, volume: float) -> float:
    """Volume-weighted average price since the first bar: Σ(p · v) / Σv, p = (high + low + close) / 3.

    Keeps 2: both sums. First: bar 0; NaN as long as nothing was traded, where TA-Lib's VWAP says 0.
    """
    row[at] += (high + low + close) / 3.0 * volume
    row[at + 1] += volume
    return float(row[at] / row[at + 1]) if row[at + 1] > 0.0 else nan


def vwap_day(
    row: Any, at: int, high: float, low: float, close: float, volume: float, time: float
) -> tuple[float, float]:
    """`vwap` since 00:00 UTC of the day on which the bar opened, and the number of the bar in that day, from 1.

    `time` is the open in seconds since 1970. Keeps 4: both sums, the day, the number of its newest bar. First: the
    first bar of each day.
    """
    day = float(floor(time / DAY_SECONDS))
    if row[at + 3] == 0.0 or row[at + 2] != day:
        row[at], row[at + 1], row[at + 2], row[at + 3] = 0.0, 0.0, day, 0.0
    row[at + 3] += 1.0
    return vwap(row, at, high, low, close, volume), float(row[at + 3])
