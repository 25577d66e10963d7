"""The bars of one series as arrays, and what a rule says of them.

Frames of pandas cost more than everything that is computed here, and pandas weighs 70 MB.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.kernel import COLUMNS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Bars:
    """Ascending. `rows`, as a kernel takes them: COLUMNS (NaN for what the series lacks) and the open's seconds since
    1970. `parts` grows where the series begins anew; `scales`: the published decimals of official rates.
    """

    rows: Floats
    parts: Ints
    scales: Ints | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, places: slice | Bools) -> "Bars":
        scales = None if self.scales is None else self.scales[places]
        return Bars(self.rows[places], self.parts[places], scales)

    @property
    def closes(self) -> Floats:
        return self.rows[:, 0]

    @property
    def seconds(self) -> Ints:
        return self.rows[:, -1].astype(np.int64)

    def are_among(self, moments: Collection[datetime]) -> Bools:
        return np.isin(self.rows[:, -1], [moment.timestamp() for moment in moments])

    def moment(self, place: int) -> datetime:
        return datetime.fromtimestamp(self.rows[place, -1], UTC)


NONE = Bars(np.empty((0, len(COLUMNS) + 1)), np.empty(0, np.int64))


class DecidedBar(NamedTuple):
    """One bar under one rule. `values`: in the order of the rule's; `bars`: its number in an unbroken series;
    `decision`: 1, 0 or -1; `inputs`: the hash of all bars up to it.
    """

    as_of: datetime
    close: float
    values: Sequence[float]
    bars: int
    decision: int
    inputs: bytes


@dataclass(slots=True)
class RulePass:
    """One rule over bars, with an entry for each: the columns of DecidedBar. No inputs while nothing is hashed."""

    bars: Bars
    values: Floats
    counts: Ints
    decisions: Ints
    inputs: Sequence[bytes] = ()

    def __len__(self) -> int:
        return len(self.bars)

    def at(self, chosen: Bools) -> Iterator[DecidedBar]:
        numbers = self.values[chosen].tolist(), self.counts[chosen].tolist(), self.decisions[chosen].tolist()
        times = [datetime.fromtimestamp(time, UTC) for time in self.bars.rows[chosen, -1].tolist()]
        inputs = [self.inputs[place] for place in chosen.nonzero()[0].tolist()] if self.inputs else [b""] * len(times)
        yield from map(DecidedBar._make, zip(times, self.bars.closes[chosen].tolist(), *numbers, inputs, strict=True))

    @property
    def newest(self) -> DecidedBar:
        chosen = np.zeros(len(self), np.bool_)
        chosen[-1] = True
        return next(self.at(chosen))
