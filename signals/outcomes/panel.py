"""One panel: a rule on one series (or on all of them together) at one horizon, live or back-tested."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HORIZONS = (1, 5, 20)
DAILY = "1d"
# Below it nothing is said about a panel but its number.
ENOUGH = 30
# All instruments of a rule and timeframe together.
POOLED = ""
# The same for candles of a day: official rates of a day are pooled apart, for they are another family.
POOLED_CANDLES = "*"


class Key(NamedTuple):
    """`code` is POOLED (or POOLED_CANDLES) for all instruments together; `live`: decided when the bar was new, not in
    retrospect.
    """

    rule: str
    code: str
    timeframe: str
    horizon: int
    live: bool


class Verdict(NamedTuple):
    """`t` is |sum x| / sqrt(sum x^2); `p` is adjusted for all panels of the family; both None below ENOUGH.

    `says`: "" for too little data, `chance`, `better` or `worse`.
    """

    t: float | None
    p: float | None
    says: str
    panels: int


NO_VERDICT = Verdict(None, None, "", 0)


class Trials(NamedTuple):
    """All panels that were ever tried, and the variance of their Sharpe ratios per bar (None: not known yet)."""

    number: int
    variance: float | None


@dataclass(frozen=True, slots=True)
class Panel:
    """Moves are logarithmic and signed by the decision. `n` decisions, worth `n_eff` independent ones.

    `hit_low`, `hit_high`: Wilson 95 % on n_eff. `holding`: the mean move of the same number of bars. `percentile`: of
    the mean among 999 random entries, 0 to 100. `net`: the mean after costs of the `net_n` decisions whose costs are
    known, None where costs do not apply. `smallest`: the mean that would have been found in 8 of 10 cases,
    6 sigma / sqrt(n), of pooled panels n_eff. `sharpe` per bar, `deflated` its probability to be above what the best of
    all trials shows by chance. None: not defined with so few.
    """

    key: Key
    n: int
    n_eff: float
    first: datetime | None
    last: datetime | None
    hit_rate: float | None = None
    hit_low: float | None = None
    hit_high: float | None = None
    mean: float | None = None
    median: float | None = None
    worst: float | None = None
    holding: float | None = None
    percentile: float | None = None
    net: float | None = None
    net_n: int = 0
    smallest: float | None = None
    sharpe: float | None = None
    deflated: float | None = None
    verdict: Verdict = NO_VERDICT


@dataclass(frozen=True, slots=True)
class Decided:
    """One series as the record reads it: closed bars oldest first, and what a rule decided on them.

    `times` (or an array of their seconds since 1970) and `closes` are equally long; `decisions` maps the index of a bar
    to 1 (BUY) or -1 (SELL) and whether it was decided live. `half_spreads`: by index, half the spread of that bar's day
    as a fraction, None where there is none. `parts` grows where the series begins anew (`signals.series.load`): no move
    crosses that. `official`: rates of a bank, not candles; None takes a series of days for one.
    """

    rule: str
    code: str
    timeframe: str
    times: "Sequence[datetime] | NDArray[np.int64]"
    closes: Sequence[float]
    decisions: dict[int, tuple[int, bool]]
    half_spreads: dict[int, Decimal] | None = None
    parts: Sequence[int] | None = None
    official: bool | None = None

    @property
    def is_official(self) -> bool:
        return self.timeframe == DAILY if self.official is None else self.official
