"""The TTM squeeze (Carter 2005): a quiet market, and the way it moves when the quiet ends."""

from math import nan
from typing import Any

from signals.indicators import bands, windows


def squeeze_size(span: float) -> int:
    """How many numbers `squeeze` keeps: bars so far, the close before, whether it was on, and five windows."""
    return 3 + 5 * int(span)


def squeeze(
    row: Any, at: int, high: float, low: float, close: float, span: float, width: float, factor: float
) -> tuple[float, float, float]:
    """Whether the squeeze is on (1 or 0), whether it fired (on at the bar before, off now), and the momentum.

    On: width · σ < factor · SMA of the true range, over `span` bars: the Bollinger bands lie inside the Keltner
    channel, both around the same SMA. Momentum: the end of the regression line of close − (midprice + SMA) / 2, where
    midprice = (highest high + lowest low) / 2. As LazyBear's script of 2014, which takes an SMA of the range where
    others take Wilder's average. Keeps `squeeze_size(span)`; the windows are of closes, highs, lows, true ranges and
    what the line is drawn through. First: on at bar span, fired at span + 1, momentum at 2 · span − 2.
    """
    size, bars, before = int(span), row[at], row[at + 1]
    at_high = at + 3 + size
    at_low = at_high + size
    at_range = at_low + size
    at_source = at_range + size
    row[at], row[at + 1] = bars + 1.0, close
    middle, deviation = windows.mean_deviation(row, at + 3, size, close)
    _, top = windows.extremes(row, at_high, size, high)
    bottom, _ = windows.extremes(row, at_low, size, low)
    reach = windows.mean(row, at_range, size, bands.true_range(high, low, before if bars > 0.0 else close))
    momentum = windows.regression_end(row, at_source, size, close - ((top + bottom) / 2.0 + middle) / 2.0)
    if bars < size:
        return nan, nan, nan
    on = 1.0 if width * deviation < factor * reach else 0.0
    fired = 1.0 if row[at + 2] == 1.0 and on == 0.0 else 0.0
    row[at + 2] = on
    return on, fired if bars > size else nan, momentum if bars >= 2.0 * size - 2.0 else nan
