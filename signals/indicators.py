"""Indicators: the one formula of each, as plain functions of floats.

`signals.compiled` has numba make machine code of these same functions for the processes that decide; web processes call
them as they stand here. Both come to the same last bit: the order of the operations is fixed, and there is no fastmath.

Exponential averages start with the first value (as pandas' `ewm(adjust=False)` does). TA-Lib starts with a simple
average instead; the two agree to 1e-9 of the price from about bar 900 on.
"""

from typing import Any


def smoothing(span: int) -> float:
    """The weight of the newest value in an exponential average over `span` bars."""
    return 2.0 / (span + 1)


def crossing(sign: float, value: float) -> tuple[float, int]:
    """The sign of a line after one more value, and 1 or -1 where it turned positive or negative, else 0.

    Zero keeps the sign before it; `sign` is 0 before the first value: nothing turns then.
    """
    if value > 0.0:
        return 1.0, 1 if sign < 0.0 else 0
    if value < 0.0:
        return -1.0, -1 if sign > 0.0 else 0
    return sign, 0


def macd_cross(
    fast: float,
    slow: float,
    signal: float,
    bars: float,
    sign: float,
    close: float,
    fast_weight: float,
    slow_weight: float,
    signal_weight: float,
) -> tuple[tuple[float, ...], tuple[float, ...], int]:
    """One bar on: the state (the first five), the values (both averages, MACD, signal line, histogram and the histogram
    of the bar before) and the crossing.

    The averages begin with the first close, and the signal line with zero, which MACD is then.
    """
    if bars == 0.0:
        fast = slow = close
        before = float("nan")
    else:
        before = fast - slow - signal
    # An average moves by its weight of the distance; written out, since a web process pays for every call.
    fast += fast_weight * (close - fast)
    slow += slow_weight * (close - slow)
    line = fast - slow
    signal += signal_weight * (line - signal)
    sign, turned = crossing(sign, line - signal)
    return (fast, slow, signal, bars + 1.0, sign), (fast, slow, line, signal, line - signal, before), turned


def macd_cross_over(closes: Any, weights: Any, state: Any, values: Any, decisions: Any) -> None:
    """`macd_cross` over an array of closes: fills a row of `values` and of `decisions` a bar, and moves `state` on."""
    fast, slow, signal, bars, sign = state
    for i in range(closes.size):
        row, found, decisions[i] = macd_cross(
            fast, slow, signal, bars, sign, closes[i], weights[0], weights[1], weights[2]
        )
        fast, slow, signal, bars, sign = row
        for k in range(6):
            values[i, k] = found[k]
    for k, number in enumerate((fast, slow, signal, bars, sign)):
        state[k] = number
