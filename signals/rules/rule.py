"""What a rule is: it is given one bar after the other, computes its values and says BUY, HOLD or SELL.

A rule is one file in this folder, one test and one line in the registry: docs/adding-a-rule.md.
"""

from collections.abc import Mapping, Sequence
from itertools import starmap
from math import nan
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from signals.kernel import COLUMNS, Kernel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

# What the next bar needs: a few finite numbers, which JSON keeps to the last bit.
Row = tuple[float, ...]
# Of one bar by name, `close` included.
Values = Mapping[str, Any]
# A rule that needs this one is not asked about candles.
OFFICIAL = "official"


class Bar(NamedTuple):
    """One closed bar, `time` in seconds since 1970 when it opened; an official rate is a close alone."""

    close: float
    open: float = nan
    high: float = nan
    low: float = nan
    volume: float = nan
    time: float = nan


class Value(NamedTuple):
    """A number that a rule computes for every bar. One without a title is only kept, for the sentence."""

    name: str
    title: str = ""
    signed: bool = False


class Sentence(NamedTuple):
    """A text with %(facts)s in it; `day` and `day_before` are put in by `signals.explain`."""

    text: str
    facts: Mapping[str, str]


class Evaluated(NamedTuple):
    """A row of values and a decision (1 BUY, 0 HOLD, -1 SELL) for each bar, and the state behind the last one."""

    values: Any
    decisions: Any
    state: Row


class Rule(Protocol):
    """`needs` are columns of a series (`close`, `high` ...) or OFFICIAL; it decides from bar number `warm_up` on.

    `name` is stored with every decision. The parameters are part of it: other parameters are another rule. A rule has
    a `kernel`, or a `step` of its own, which is slower by two orders. `arguments` are the parameters by name and as
    text, `parameters` what the kernel takes.
    """

    name: str
    label: str
    needs: frozenset[str]
    timeframes: tuple[str, ...]
    warm_up: int
    initial: Row
    values: tuple[Value, ...]
    arguments: Mapping[str, str] = {}
    parameters: tuple[float, ...] = ()
    kernel: Kernel | None = None

    def step(self, state: Row, bar: Bar) -> tuple[Row, Sequence[float], int]:
        """One bar on: the state behind it, a number for each of `values`, and the decision."""
        if self.kernel is None:
            raise NotImplementedError
        row, values = list(state), [nan] * len(self.values)
        decision = self.kernel(row, bar, self.parameters, values)
        return tuple(row), values, decision

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:
        """Why a bar with these values was a BUY or a SELL; prices were published with `scale` decimals."""
        ...

    def evaluate(self, bars: "pd.DataFrame", state: Row) -> Evaluated:
        """All bars at once, to the same last bit as one after the other."""
        # numba weighs 60 MB: only the processes that decide load it.
        from signals import compiled

        return self.over(compiled.matrix(bars), state)

    def over(self, rows: "NDArray[np.float64]", state: Row) -> Evaluated:
        """The same over a row a bar, as `compiled.matrix` gives them."""
        if self.kernel is not None:
            from signals import compiled

            needed = [COLUMNS.index(name) for name in COLUMNS if name in self.needs]
            return Evaluated(*compiled.evaluate(self.kernel, rows, needed, self.parameters, state, len(self.values)))
        found, decisions = [], []
        for bar in starmap(Bar, rows.tolist()):
            state, values, decision = self.step(state, bar)
            found.append(values)
            decisions.append(decision)
        return Evaluated(found, decisions, state)

    def opposite(self, values: Values, signal: str, day: str, scale: int) -> str:  # noqa: ARG002
        """What would bring the other signal after a bar with these values; empty where that cannot be said."""
        return ""

    def vote(self, values: Values) -> int | None:  # noqa: ARG002
        """How it stands on a bar with these values (1, 0, -1), for the rating; None where it has no part in that."""
        return None

    def formula(self) -> Sequence[str]:
        """How the values are computed and when it decides, in paragraphs."""
        return ()
