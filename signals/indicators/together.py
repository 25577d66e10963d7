"""Every indicator of a series with its usual spans, in one pass over the bars."""

from math import isfinite
from typing import Any

from signals.indicators import averages, bands, squeeze, strength, volume

RIBBON = (20, 25, 30, 35, 40, 45, 50, 55)

# Names of the values in their order, by what a bar must have for them.
OF_CLOSE = (
    "ema_12", "ema_26", "macd", "macd_signal", "macd_histogram", "rsi_14",
    "bollinger_lower", "bollinger_middle", "bollinger_upper", "stochastic_rsi_k", "stochastic_rsi_d",
    *(f"ema_{span}" for span in RIBBON),
)  # fmt: skip
OF_RANGE = (
    "atr_14", "keltner_lower", "keltner_middle", "keltner_upper", "squeeze_on", "squeeze_fired", "squeeze_momentum",
)  # fmt: skip
OF_VOLUME = ("vwap", "vwap_day")
COLUMNS = (*OF_CLOSE, *OF_RANGE, *OF_VOLUME)
NEEDS = (
    dict.fromkeys(OF_CLOSE, frozenset({"close"}))
    | dict.fromkeys(OF_RANGE, frozenset({"close", "high", "low"}))
    | dict.fromkeys(OF_VOLUME, frozenset({"close", "high", "low", "volume"}))
)

# Where the numbers of each begin in the row: known when it is compiled, so that loops over 20 bars are unrolled.
MACD = 0
RSI = MACD + 4
BOLLINGER = RSI + 4
STOCHASTIC = BOLLINGER + 1 + 20
AVERAGES = STOCHASTIC + 5 + 14 + 3 + 3
ATR = AVERAGES + 1 + len(RIBBON)
KELTNER = ATR + 3
SQUEEZE = KELTNER + 4
VWAP = SQUEEZE + squeeze.squeeze_size(20)
VWAP_DAY = VWAP + 2
SIZE = VWAP_DAY + 4

PARAMETERS = tuple(averages.smoothing(span) for span in (12, 26, 9, *RIBBON))


def together(row: Any, bar: Any, weights: Any, values: Any) -> int:
    """Keeps SIZE. A bar that lacks its range, or its volume, leaves alone what is made of these. Decides nothing."""
    close, high, low, traded = bar[0], bar[2], bar[3], bar[4]
    values[2], values[3], values[4] = averages.macd(row, MACD, close, weights[0], weights[1], weights[2])
    values[0], values[1] = row[MACD], row[MACD + 1]
    values[5] = strength.rsi(row, RSI, close, 14.0)
    values[6], values[7], values[8] = bands.bollinger(row, BOLLINGER, close, 20.0, 2.0)
    values[9], values[10] = strength.stochastic_rsi(row, STOCHASTIC, close, 14.0, 14.0, 3.0, 3.0)
    averages.ribbon(row, AVERAGES, close, weights, 3, 8)
    for k in range(8):
        values[11 + k] = row[AVERAGES + 1 + k]
    if not (isfinite(high) and isfinite(low)):
        return 0
    values[19] = bands.atr(row, ATR, high, low, close, 14.0)
    values[20], values[21], values[22] = bands.keltner(row, KELTNER, high, low, close, 20.0, 10.0, 2.0)
    values[23], values[24], values[25] = squeeze.squeeze(row, SQUEEZE, high, low, close, 20.0, 2.0, 1.5)
    if isfinite(traded):
        values[26] = volume.vwap(row, VWAP, high, low, close, traded)
        values[27], _ = volume.vwap_day(row, VWAP_DAY, high, low, close, traded, bar[5])
    return 0
