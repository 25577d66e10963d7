"""The record: a panel for each rule, series and horizon, and for all series of a rule together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from signals.outcomes.deflated import Shape
from signals.outcomes.family import DRAWS, Family, Member, judge
from signals.outcomes.panel import DAILY, POOLED, POOLED_CANDLES, Decided, Key, Panel, Trials
from signals.outcomes.samples import Prices, blocks, prices, samples
from signals.outcomes.statistics import SHIFTS, Tally, deflated

# What has one sign in the test: a day of official rates, four hours of candles.
DAY, FOUR_HOURS = 86_400, 14_400
# Of candles, a side: as a fraction of the price.
SIDE_COST = 0.001
Tried = Callable[[Sequence[Panel]], Trials]


class Record:
    """Panels as they come, and the two families by whether they are official."""

    def __init__(self, shifts: int) -> None:
        self.shifts = shifts
        self.panels: dict[bool, dict[Key, Panel]] = {True: {}, False: {}}
        self.families: dict[bool, list[Member]] = {True: [], False: []}
        self.shapes: dict[Key, Shape | None] = {}
        self.pools: dict[tuple[bool, Key], Tally] = {}
        self.newest: tuple[Decided, Prices] | None = None

    def take(self, decided: Decided, side_cost: float) -> None:
        """A panel for each sample; what the pooled panels need of it is added up, so that no series is kept."""
        official = decided.is_official
        pool = POOLED if official or decided.timeframe != DAILY else POOLED_CANDLES
        for one in samples(decided, side_cost, self.prices(decided)):
            key = Key(decided.rule, decided.code, decided.timeframe, one.horizon, one.live)
            tally = Tally(key, self.shifts)
            tally.add(one)
            self.finish(official, tally)
            self.pooled(official, key._replace(code=pool)).add(one)

    def prices(self, decided: Decided) -> Prices:
        """Rules on the same lists of one series, one after the other, share its moves."""
        if self.newest is None or not shares_bars(self.newest[0], decided):
            self.newest = decided, prices(decided)
        return self.newest[1]

    def pooled(self, official: bool, key: Key) -> Tally:
        if (official, key) not in self.pools:
            self.pools[official, key] = Tally(key, self.shifts)
        return self.pools[official, key]

    def finish(self, official: bool, tally: Tally) -> None:
        found = self.panels[official][tally.key] = tally.panel()
        self.shapes[tally.key] = tally.shape()
        numbers, sums = blocks(tally.held, DAY if official else FOUR_HOURS)
        member = Member(tally.key, found.n, numbers.astype(np.int32), sums.astype(np.float32))
        self.families[official].append(member)

    def pool(self) -> None:
        for (official, _), tally in self.pools.items():
            self.finish(official, tally)
        self.pools.clear()

    def deflate(self, tried: Tried) -> None:
        trials = tried([one for panels in self.panels.values() for one in panels.values()])
        for panels in self.panels.values():
            panels |= {key: deflated(one, self.shapes[key], trials) for key, one in panels.items()}


def shares_bars(one: Decided, other: Decided) -> bool:
    return one.times is other.times and one.closes is other.closes and one.parts is other.parts


def compute(
    series: Iterable[Decided],
    *,
    side_cost: float = SIDE_COST,
    tried: Tried,
    draws: int = DRAWS,
    shifts: int = SHIFTS,
) -> list[Panel]:
    """The panels of every series, and of all series of a rule and timeframe together, with their verdicts.

    `tried` answers what was ever tried, and is given the panels of this run, whose Sharpe ratios are measured by then.
    `side_cost`: of candles, as a fraction of the price. `shifts` 0: no random entries. Raises ValueError for a series
    whose times do not ascend.
    """
    found = families(series, side_cost=side_cost, tried=tried, draws=draws, shifts=shifts)
    return [row for panels, _ in found for row in panels]


def families(
    series: Iterable[Decided], *, side_cost: float, tried: Tried, draws: int = DRAWS, shifts: int = SHIFTS
) -> list[tuple[list[Panel], Family]]:
    """The panels of official rates, then those of candles, each with what its family has shown."""
    record = Record(shifts)
    for decided in series:
        record.take(decided, side_cost)
    record.pool()
    record.deflate(tried)
    found = []
    for official, members in record.families.items():
        family = judge(members, draws)
        rows = [replace(row, verdict=family.verdicts[key]) for key, row in record.panels[official].items()]
        found.append((rows, family))
    return found
