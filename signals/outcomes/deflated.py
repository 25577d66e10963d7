"""The deflated Sharpe ratio: how probably a ratio is above the best that so many trials show by chance.

Source: D. H. Bailey and M. Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (5), 2014.
"""

from math import e, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.outcomes.panel import Trials

Floats = NDArray[np.float64]

NORMAL = NormalDist()
EULER_MASCHERONI = 0.5772156649015329


def sharpe(x: Floats) -> float | None:
    """Mean over standard deviation, per bar; None where nothing varies."""
    if len(x) < 2:
        return None
    spread = float(x.std(ddof=1))
    return float(x.mean()) / spread if spread > 0.0 else None


class Shape(NamedTuple):
    """What a Sharpe ratio comes from: so many bars, their skew and their kurtosis (normal: 3)."""

    bars: int
    skew: float
    kurtosis: float


def deflated_sharpe(ratio: float, shape: Shape, trials: Trials) -> float | None:
    """Of a ratio per bar; None while nothing is known of the other trials."""
    if trials.variance is None:
        return None
    return probability(ratio, *shape, best_by_chance(trials.number, trials.variance))


def shape(x: Floats) -> Shape:
    """Of what varies."""
    z = (x - x.mean()) / x.std()
    squares = z * z  # numpy takes 30 times as long for a power
    return Shape(len(x), float((squares * z).mean()), float((squares * squares).mean()))


def best_by_chance(trials: int, variance: float) -> float:
    """The highest ratio to expect of so many trials without an edge; 0 with a single one."""
    if trials < 2:
        return 0.0
    high, higher = NORMAL.inv_cdf(1 - 1 / trials), NORMAL.inv_cdf(1 - 1 / (trials * e))
    return sqrt(variance) * ((1 - EULER_MASCHERONI) * high + EULER_MASCHERONI * higher)


def probability(ratio: float, bars: int, skew: float, kurtosis: float, above: float) -> float | None:
    """That the true ratio is higher than `above`; None where the moments leave no variance."""
    variance = 1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2
    if variance <= 0.0 or bars < 2:
        return None
    return NORMAL.cdf((ratio - above) * sqrt(bars - 1) / sqrt(variance))
