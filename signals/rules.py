"""What a rule needs, when it says BUY, SELL or HOLD, and under which name."""

from dataclasses import dataclass

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from signals.models import Signal

BUY, HOLD, SELL = Signal.Label.BUY, Signal.Label.HOLD, Signal.Label.SELL
LABELS = {1: BUY, 0: HOLD, -1: SELL}


@dataclass(frozen=True, slots=True)
class MacdCross:
    """The MACD line crosses its signal line: the histogram turns positive (BUY) or negative (SELL)."""

    fast: int
    slow: int
    signal: int
    timeframe: str = "1d"
    # 250 bars: what the seeds of the averages weigh by then is below 1e-8 of a price with 12/26/9.
    warm_up: int = 250

    @property
    def spans(self) -> tuple[int, int, int]:
        return self.fast, self.slow, self.signal

    @property
    def name(self) -> str:
        """The rule's identity: other parameters are another rule, and old rows stay under the old name."""
        return f"macd_signal_cross_{self.fast}_{self.slow}_{self.signal}"


def macd_cross() -> MacdCross:
    """The rule as the environment has set it."""
    return MacdCross(settings.MACD_FAST, settings.MACD_SLOW, settings.MACD_SIGNAL)


def crossings(histogram: NDArray[np.float64], sign: int) -> tuple[NDArray[np.int64], int]:
    """1 where the histogram turned positive, -1 where negative, else 0; and the sign behind the last bar.

    Zero keeps the sign before it; `sign` is the one before the first bar, 0 where there was none: nothing turns then.
    """
    signs = np.concatenate(([sign], np.sign(histogram))).astype(np.int64)
    last_set = np.maximum.accumulate(np.where(signs != 0, np.arange(signs.size), 0))
    signs = signs[last_set]
    turned = (signs[1:] != signs[:-1]) & (signs[:-1] != 0)
    return np.where(turned, signs[1:], 0), int(signs[-1])
