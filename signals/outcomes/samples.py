"""What the decisions on one series were followed by: moves of the price, and what a rule would have held each bar.

A decision on bar t enters at the close of t+1 and leaves at that of t+1+h; one whose exit is not there does not count.
A close that is no price (NaN, infinite, 0 or less) is no bar, as for the engine. No move crosses into another part of
the series: after a gap and with a redenomination it begins anew, there too. All moves are logarithmic.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.outcomes.panel import HORIZONS, Decided

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Decisions(NamedTuple):
    """Those that count: seconds since 1970, move times sign, costs of the round trip (NaN: not known)."""

    times: Ints
    y: Floats
    costs: Floats


class Held(NamedTuple):
    """What was held of each bar: by seconds since 1970, ascending, the position times the move less the drift."""

    times: Ints
    x: Floats


class Sample(NamedTuple):
    """The decisions of one horizon, live or not, and the bars that they are compared with.

    `signs` and `moves`: of each bar on which one could have been decided, 0 where none was. `drift`: the mean move of
    one bar.
    """

    horizon: int
    live: bool
    decisions: Decisions
    signs: Floats
    moves: Floats
    drift: float
    held: Held

    @property
    def y(self) -> Floats:
        return self.decisions.y

    @property
    def excess(self) -> Floats:
        """`y` less what the drift alone gave: its sum is that of `held`."""
        drifted: Floats = self.signs[self.signs != 0] * self.horizon * self.drift
        return self.y - drifted


class Prices(NamedTuple):
    """The usable bars of a series: which they are, their seconds since 1970, the move of each (NaN where a part
    begins), and by horizon that from the next close on (NaN where it has not ended, or not in this part).
    """

    usable: Bools
    seconds: Ints
    moves: Floats
    forward: dict[int, Floats]


def prices(decided: Decided) -> Prices:
    """Raises ValueError for times that do not ascend and for lists of different lengths."""
    times, closes = seconds_of(decided), np.asarray(decided.closes, np.float64)
    parts = np.zeros(len(times), np.int64) if decided.parts is None else np.asarray(decided.parts, np.int64)
    if not len(times) == len(closes) == len(parts):
        raise ValueError(f"{decided.code} {decided.timeframe}: {len(times)} times, {len(closes)} closes")
    if (np.diff(times) <= 0).any():
        raise ValueError(f"{decided.code} {decided.timeframe}: the times do not ascend")
    usable = np.isfinite(closes) & (closes > 0)
    logs, part = np.log(closes[usable]), parts[usable]
    moves = np.full(len(logs), np.nan)
    moves[1:] = np.where(part[1:] == part[:-1], np.diff(logs), np.nan)
    return Prices(usable, times[usable], moves, {horizon: after(logs, part, horizon) for horizon in HORIZONS})


def seconds_of(decided: Decided) -> Ints:
    if isinstance(decided.times, np.ndarray):
        return decided.times
    return np.array([int(time.timestamp()) for time in decided.times], np.int64)


def after(logs: Floats, part: Ints, horizon: int) -> Floats:
    """The move from the next bar to that `horizon` bars later; NaN where it has not come, or not in this part."""
    moves, exit_ = np.full(len(logs), np.nan), horizon + 1
    inside = part[exit_:] == part[:-exit_]
    moves[: len(inside)] = np.where(inside, logs[exit_:] - logs[1:-horizon], np.nan)
    return moves


def samples(decided: Decided, side_cost: float, of: Prices | None = None) -> Iterator[Sample]:
    """A back-tested sample of each horizon, and a live one where something was decided live.

    Live decisions are compared with the bars since the first of them. `of`: what `prices` gives, once for all rules.
    """
    bars = of or prices(decided)
    signs, live = np.zeros(len(bars.usable)), np.zeros(len(bars.usable), bool)
    for place, (sign, is_live) in decided.decisions.items():
        signs[place], live[place] = sign, is_live
    signs, live, half = signs[bars.usable], live[bars.usable], halves(decided, side_cost)[bars.usable]
    yield from since(0, bars, np.where(live, 0.0, signs), half, live=False)
    if (signs[live] != 0).any():
        signs = np.where(live, signs, 0.0)
        yield from since(int(signs.nonzero()[0][0]), bars, signs, half, live=True)


def halves(decided: Decided, side_cost: float) -> Floats:
    """What one side costs on each bar, as a fraction: half the spread of an official rate, `side_cost` of a candle.

    NaN: not known.
    """
    found = np.full(len(decided.times), np.nan if decided.is_official else side_cost)
    for place, half in (decided.half_spreads or {}).items():
        found[place] = float(half)
    return found


def since(first: int, bars: Prices, decided: Floats, half: Floats, live: bool) -> Iterator[Sample]:
    """The samples of the bars from `first` on."""
    times, decided, half, one_bar = bars.seconds[first:], decided[first:], half[first:], bars.moves[first:].copy()
    one_bar[:1] = np.nan
    inside = np.isfinite(one_bar)
    drift = float(one_bar[inside].mean()) if inside.any() else 0.0
    excess, held_at = (one_bar - drift)[inside], times[inside]
    for horizon in HORIZONS:
        moves = bars.forward[horizon][first:]
        there = np.isfinite(moves)
        signs = np.where(there, decided, 0.0)
        places = signs.nonzero()[0]
        costs = half[places + 1] + half[places + 1 + horizon]
        decisions = Decisions(times[places], (signs * moves)[places], costs)
        held = Held(held_at, position(signs, horizon)[inside] * excess)
        yield Sample(horizon, live, decisions, signs[there], moves[there], drift, held)


def position(signs: Floats, horizon: int) -> Floats:
    """The sum of the signs of the decisions in whose horizon a bar lies: i with i+1 < t <= i+1+horizon.

    Each bar is taken once, however many horizons overlap on it.
    """
    entered = np.cumsum(np.concatenate((np.zeros(2), signs)))[: len(signs)]  # whole numbers, whose sums are exact
    entered[horizon:] -= entered[:-horizon].copy()
    return entered


def blocks(held: Held, seconds: int) -> tuple[Ints, Floats]:
    """The sums of x over blocks of so many seconds, numbered from 1970; only those in which something was held."""
    there = held.x != 0
    found, starts = np.unique(held.times[there] // seconds, return_index=True)
    return found, np.add.reduceat(held.x[there], starts) if len(found) else np.empty(0)
