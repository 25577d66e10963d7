"""The numbers of one panel: how many, how sure, how good, and beside what. docs/method.md says how each is meant."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from signals.outcomes.deflated import Shape, deflated_sharpe, shape, sharpe
from signals.outcomes.panel import Key, Panel, Trials
from signals.outcomes.samples import Decisions, Held, Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Z95 = NormalDist().inv_cdf(0.975)
SHIFTS = 999
# kappa * sqrt(N) from which a planted edge is found in 8 of 10 worlds: `make worlds`.
FOUND = 6.0
# Of a mean: nearer than this, two of them are the same number.
SAME = 1e-12


NOTHING = Held(np.empty(0, np.int64), np.empty(0))


class Tally:
    """The samples of one panel, added up: one of a single series, many of a pooled panel.

    Of each sample only its decisions are kept, and the x of one time is added to that of the others: instruments move
    with each other, so that one day is one observation.
    """

    def __init__(self, key: Key, shifts: int = SHIFTS) -> None:
        self.key, self.places = key, places(key, shifts)
        self.held = NOTHING
        self.random = np.zeros(shifts)
        self.series, self.squares, self.holding, self.variance = 0, 0.0, 0.0, 0.0
        self.decided: list[Decisions] = []

    def add(self, one: Sample) -> None:
        self.held = added(self.held, one.held) if self.series else one.held
        self.series += 1
        if not len(one.y):
            return
        self.squares += float(one.excess @ one.excess)
        self.holding += len(one.y) * float(one.moves.mean())
        self.variance += len(one.y) * variance(one.moves)
        if len(self.random):
            self.random += shifted(one, self.places)
        self.decided.append(one.decisions)

    def shape(self) -> Shape | None:
        """Of x, where its Sharpe ratio is defined."""
        x = self.held.x
        return shape(x) if self.decided and sharpe(x) is not None else None

    def panel(self) -> Panel:
        """All but what depends on the other panels."""
        if not self.decided:
            return Panel(self.key, 0, 0.0, None, None)
        y = np.concatenate([one.y for one in self.decided])
        times = np.concatenate([one.times for one in self.decided])
        n, x = len(y), self.held.x
        hits, mean = float((y > 0).mean()), float(y.mean())
        n_eff = effective(n, float(x @ x), self.squares)
        low, high = wilson(hits, n_eff)
        net, net_n = after_costs(y, np.concatenate([one.costs for one in self.decided]))
        return Panel(
            self.key,
            n,
            n_eff,
            datetime.fromtimestamp(int(times.min()), UTC),
            datetime.fromtimestamp(int(times.max()), UTC),
            hit_rate=hits,
            hit_low=low,
            hit_high=high,
            mean=mean,
            median=float(np.median(y)),
            worst=float(y.min()),
            holding=self.holding / n,
            percentile=percentile(mean, self.random / n),
            net=net,
            net_n=net_n,
            smallest=smallest(self.variance / n, n if self.series == 1 else n_eff),
            sharpe=sharpe(x),
        )


def added(one: Held, other: Held) -> Held:
    """By time; in the usual case one has all times of the other."""
    times = one.times if are_among(other.times, one.times) else np.union1d(one.times, other.times)
    x = np.zeros(len(times))
    for part in (one, other):
        x[times.searchsorted(part.times)] += part.x
    return Held(times, x)


def are_among(some: Ints, times: Ints) -> bool:
    """Both ascend."""
    if not len(some) or not len(times) or some[-1] > times[-1]:
        return not len(some)
    return bool((times[times.searchsorted(some)] == some).all())


def places(key: Key, shifts: int) -> Floats:
    """Random numbers from 0 to 1, the same each time."""
    if not shifts:
        return np.empty(0)
    seed = sha256(f"{key.rule}|{key.code}|{key.timeframe}".encode()).digest()
    return np.random.default_rng(int.from_bytes(seed, "big")).random(shifts)


def panel(key: Key, parts: Sequence[Sample], trials: Trials, shifts: int = SHIFTS) -> Panel:
    """One panel of the samples of one horizon: of one series, or of many."""
    tally = Tally(key, shifts)
    for one in parts:
        tally.add(one)
    return deflated(tally.panel(), tally.shape(), trials)


def deflated(panel: Panel, shape: Shape | None, trials: Trials) -> Panel:
    """With its deflated Sharpe ratio, now that the ratios of all panels have been measured."""
    if panel.sharpe is None or shape is None:
        return panel
    return replace(panel, deflated=deflated_sharpe(panel.sharpe, shape, trials))


def effective(n: int, overlapping: float, apart: float) -> float:
    """N / deff with deff = sum x^2 / sum y^2: how many decisions that do not overlap these are worth.

    More than N where BUY and SELL follow so fast that they cancel; N where nothing has moved.
    """
    return n * apart / overlapping if overlapping > 0.0 and apart > 0.0 else float(n)


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share of n, which need not be whole. Source: E. B. Wilson, JASA 22 (1927)."""
    centre = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    reach = Z95 / (1 + Z95**2 / n) * (share * (1 - share) / n + Z95**2 / (4 * n * n)) ** 0.5
    return max(0.0, centre - reach), min(1.0, centre + reach)


def after_costs(y: Floats, costs: Floats) -> tuple[float | None, int]:
    """The mean after costs of those decisions whose costs are known, and their number."""
    known = np.isfinite(costs)
    return (float((y - costs)[known].mean()), int(known.sum())) if known.any() else (None, 0)


def variance(moves: Floats) -> float:
    """NaN with a single move."""
    return float(moves.var(ddof=1)) if len(moves) > 1 else np.nan


def smallest(variance: float, n: float) -> float | None:
    """The mean that would have been found in 8 of 10 cases; None with too few moves to know how they vary."""
    return None if np.isnan(variance) else FOUND * float((variance / n) ** 0.5)


def shifted(one: Sample, places: Floats) -> Floats:
    """The sums of y when all decisions move along the series by a random number of bars, from its end around to its
    beginning: they keep their number and their distances. `places` from 0 to 1; NaN where nothing can move.

    The circular correlation of signs and moves has the sums of all shifts at once.
    """
    size = len(one.moves)
    if size < 2:
        return np.full(len(places), np.nan)
    sums = np.fft.irfft(np.fft.rfft(one.signs).conj() * np.fft.rfft(one.moves), size)
    found: Floats = sums[1 + (places * (size - 1)).astype(np.int64)]
    return found


def percentile(mean: float, means: Floats) -> float | None:
    """How many of these means are lower, in per cent; an equal one counts as a half. None where there are none."""
    if not len(means) or np.isnan(means).any():
        return None
    lower, equal = means < mean - SAME, np.abs(means - mean) <= SAME
    return float(100.0 * (lower.mean() + equal.mean() / 2))
