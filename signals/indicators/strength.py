"""Relative strength, and where it stands in its own range."""

from math import nan
from typing import Any

from signals.indicators import windows


def rsi(row: Any, at: int, close: float, span: float) -> float:
    """Relative strength index: 100 g / (g + l), g and l the average gain and loss (Wilder 1978).

    g = ((span − 1) g + gain) / span, seeded with the mean of the first `span` gains; l the same of the losses. 50 where
    nothing has moved. Keeps 4: bars so far, the close before, g, l (sums until they are seeded). First: bar span. As
    TA-Lib's RSI, which says 0 for a constant series.
    """
    bars, before, gains, losses = row[at], row[at + 1], row[at + 2], row[at + 3]
    row[at], row[at + 1] = bars + 1.0, close
    if bars == 0.0:
        return nan
    move = close - before
    gain, loss = (move, 0.0) if move > 0.0 else (0.0, -move)
    if bars > span:
        gains, losses = (gains * (span - 1.0) + gain) / span, (losses * (span - 1.0) + loss) / span
    elif bars == span:
        gains, losses = (gains + gain) / span, (losses + loss) / span
    else:
        row[at + 2], row[at + 3] = gains + gain, losses + loss
        return nan
    row[at + 2], row[at + 3] = gains, losses
    both = gains + losses
    return float(100.0 * (gains / both)) if both > 0.0 else 50.0


def stochastic_rsi(
    row: Any, at: int, close: float, span: float, window: float, smooth_k: float, smooth_d: float
) -> tuple[float, float]:
    """Stochastic RSI, %K and %D (Chande and Kroll 1994).

    raw = 100 (r − lowest r) / (highest r − lowest r) over `window` values of the RSI, 50 where these are all the same;
    %K = SMA of raw over smooth_k, %D = SMA of %K over smooth_d. Keeps 5 + window + smooth_k + smooth_d: what `rsi`
    keeps, values of the RSI so far, windows of the RSI, raw and %K. First: %K at bar span + window + smooth_k − 2, %D
    smooth_d − 1 later. As TA-Lib's STOCHRSI(span, window, smooth_k), which calls raw %K and %K %D.
    """
    width, size_k, size_d = int(window), int(smooth_k), int(smooth_d)
    strength = rsi(row, at, close, span)
    if row[at] <= span:
        return nan, nan
    row[at + 4] += 1.0
    at_raw = at + 5 + width
    at_k = at_raw + size_k
    low, high = windows.extremes(row, at + 5, width, strength)
    lacking = width - row[at + 4]
    if lacking > 0.0:
        return nan, nan
    raw = 100.0 * ((strength - low) / (high - low)) if high > low else 50.0
    k = windows.mean(row, at_raw, size_k, raw)
    lacking += size_k - 1.0
    if lacking > 0.0:
        return nan, nan
    d = windows.mean(row, at_k, size_d, k)
    return k, d if lacking + size_d - 1.0 <= 0.0 else nan
