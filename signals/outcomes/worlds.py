"""Worlds of which one knows whether a rule has an edge in them: what the record says of those, it may say of ours.

A world without an edge takes the days of the real history in random blocks, all codes together, and gives each day a
random sign. Blocks keep how volatility comes and goes; without the signs they would keep short dependence too, which is
an edge. Blocks of random length: D. N. Politis and J. P. Romano, "The Stationary Bootstrap", JASA 89 (1994).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from signals.kernel import COLUMNS
from signals.outcomes.panel import DAILY, ENOUGH, POOLED, Decided, Key, Panel, Trials
from signals.outcomes.record import compute
from signals.outcomes.samples import position
from signals.outcomes.statistics import effective
from signals.rules.rule import Rule

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MEAN_BLOCK = 20
# Enough for 2.5 %, and a tenth of what the record draws.
DRAWS = 999
EDGE_HORIZON = 5


class Edge(NamedTuple):
    """Where an edge was planted, and how strong: the mean move is `kappa` standard deviations of five bars."""

    key: Key
    kappa: float


def dates(days: int, noise: np.random.Generator, mean_block: int = MEAN_BLOCK) -> Ints:
    """As many numbers of days, in blocks of geometric length that go on from the last day to the first."""
    begins = noise.random(days) < 1 / mean_block
    begins[0] = True
    starts = begins.nonzero()[0]
    block = begins.cumsum() - 1
    origins = noise.integers(days, size=len(starts))
    found: Ints = (origins[block] + np.arange(days) - starts[block]) % days
    return found


def without_edge(closes: pd.DataFrame, noise: np.random.Generator) -> pd.DataFrame:
    """A world of the days of `closes` (a column a code, no gaps)."""
    moves = closes.apply(np.log).diff().iloc[1:]
    taken = moves.iloc[dates(len(moves), noise)].to_numpy() * noise.choice((-1.0, 1.0), size=(len(moves), 1))
    paths = np.vstack((np.zeros(len(closes.columns)), taken.cumsum(axis=0)))
    return pd.DataFrame(np.exp(paths), index=closes.index, columns=closes.columns)


def decided(closes: pd.DataFrame, rules: Sequence[Rule]) -> list[Decided]:
    """What the rules decide on a world, by the code that decides on the real series."""
    times, found = pd.DatetimeIndex(closes.index).as_unit("s").asi8, []
    for code in closes.columns:
        bars = np.full((len(closes), len(COLUMNS) + 1), np.nan)
        bars[:, 0], bars[:, -1] = closes[code], times
        path: Any = bars[:, 0].copy()
        for rule in rules:
            signs = np.asarray(rule.over(bars, rule.initial).decisions)
            signs[: rule.warm_up - 1] = 0
            decisions = {int(place): (int(signs[place]), False) for place in signs.nonzero()[0]}
            found.append(Decided(rule.name, code, DAILY, times, path, decisions))
    return found


def planted(world: Sequence[Decided], rule: str, strength: float, code: str) -> tuple[list[Decided], Edge] | None:
    """The same decisions, and closes that follow those of one rule: on `code`, or on all of them (POOLED).

    `strength` is kappa * sqrt(N), pooled kappa * sqrt(N / deff). None where the rule has decided too little.
    """
    ours = [one for one in world if one.rule == rule and code in (one.code, POOLED)]
    if sum(len(one.decisions) for one in ours) < ENOUGH + len(ours):
        return None
    kappa = strength / worth(ours) ** 0.5
    closes: dict[str, Any] = {one.code: with_edge(one, kappa) for one in ours}
    changed = [replace(one, closes=closes.get(one.code, one.closes)) for one in world]
    return changed, Edge(Key(rule, code, DAILY, EDGE_HORIZON, live=False), kappa)


def worth(ours: Sequence[Decided]) -> float:
    """How many decisions there are; of many codes, as many as they are worth."""
    if len(ours) == 1:
        return float(held(ours[0]).nonzero()[0].size)
    moves = [np.append(0.0, np.diff(np.log(one.closes))) for one in ours]
    x = sum(position(held(one), EDGE_HORIZON) * move for one, move in zip(ours, moves, strict=True))
    apart = [after(move)[held(one).nonzero()[0]] for one, move in zip(ours, moves, strict=True)]
    y = np.concatenate(apart)
    return effective(len(y), float(np.square(x).sum()), float(y @ y))


def after(moves: Floats) -> Floats:
    """The move of the five bars after the next one."""
    paths = pd.Series(moves.cumsum())
    return np.asarray(paths.shift(-1 - EDGE_HORIZON) - paths.shift(-1), np.float64)


def held(one: Decided) -> Floats:
    """The signs of the decisions whose five bars are there."""
    signs = np.zeros(len(one.closes))
    for place, (sign, _) in one.decisions.items():
        signs[place] = sign
    signs[-1 - EDGE_HORIZON :] = 0.0
    return signs


def with_edge(one: Decided, kappa: float) -> Floats:
    """Spread evenly over the five bars after the entry of each decision."""
    closes = np.asarray(one.closes, np.float64)
    sigma = np.nanstd(after(np.append(0.0, np.diff(np.log(closes)))), ddof=1)
    edge = position(held(one), EDGE_HORIZON) * kappa * sigma / EDGE_HORIZON
    found: Floats = closes * np.exp(edge.cumsum())
    return found


def panels_of(world: Sequence[Decided], draws: int = DRAWS) -> list[Panel]:
    """What the record says of it; random entries have no part in a verdict, and are left out."""
    return compute(world, tried=lambda _: Trials(0, None), draws=draws, shifts=0)


def coloured(panels: Sequence[Panel]) -> Iterator[Panel]:
    return (one for one in panels if one.verdict.says in {"better", "worse"})
