"""The values and the decisions behind a chart, without the libraries of the engine: a web process stays small."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from markets.licence import Audience
from markets.queries.history import LONGEST_GAP
from signals import ledger
from signals.api_rows import closed
from signals.models import DAILY, AnalysisSnapshot, Signal
from signals.rules.rule import OFFICIAL, Bar, Row, Rule, Values

# What lies before the 420 bars of so many days weighs 1e-14 of a price with 12/26/9.
LEAD_DAYS = 610
COLUMNS = ("id", "as_of", "signal", *ledger.COLUMNS, "values", "backtested", "generated_at")


@dataclass(frozen=True, slots=True)
class Decision:
    """A row of the ledger that no later version took back."""

    id: int
    day: date
    signal: str
    macd: Decimal | None
    signal_line: Decimal | None
    histogram: Decimal | None
    values: dict[str, Any]
    backtested: bool
    generated_at: datetime

    @property
    def turns(self) -> bool:
        return self.signal != Signal.Label.HOLD

    @property
    def computed(self) -> Values:
        """All that was kept of its bar, by name."""
        return self.values | {name: getattr(self, name) for name in ledger.COLUMNS}


class Bars(Mapping[date, Values]):
    """The values of a rule by day. Of 8,000 days a chart shows 1,000: a day gets its names when it is asked for."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.rows: dict[date, tuple[float, ...]] = {}
        self.state: Row = ()  # behind the newest day

    def __getitem__(self, day: date) -> Values:
        return dict(zip(self.names, self.rows[day], strict=True))

    def __iter__(self) -> Iterator[date]:
        return iter(self.rows)

    def __reversed__(self) -> Iterator[date]:
        return reversed(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def bars(closes: Iterable[tuple[date, Decimal | float]], rule: Rule, breaks: Sequence[date] = ()) -> Bars:
    """The rule's values by day, ascending; a series begins anew, as in the engine, that was away for too long, and on
    each day of `breaks`, when its code began to mean another unit.

    Empty for a rule that needs more than an official close.
    """
    found = Bars(("close", *(value.name for value in rule.values)))
    if not rule.needs <= {"close", OFFICIAL}:
        return found
    state, last = rule.initial, date.min
    for day, price in closes:
        if day - last > LONGEST_GAP or any(last < start <= day for start in breaks):
            state = rule.initial
        close, last = float(price), day
        state, values, _decision = rule.step(state, Bar(close))
        found.rows[day] = (close, *values)
    found.state = state
    return found


def snapshots(code: str, rule: Rule) -> dict[str, AnalysisSnapshot]:
    """The newest state by window, the narrowest first, if pages may show it; one query."""
    found = AnalysisSnapshot.objects.filter(instrument__code=code, rule=rule.name, timeframe=DAILY)
    rows = found.exclude(instrument__in=closed(Audience.PAGE))
    return {row.window: row for row in sorted(rows, key=lambda row: int(row.window.removesuffix("d")))}


def decisions(code: str, rule: Rule) -> list[Decision]:
    """Those on daily bars that pages may show, newest first; one query."""
    found = ledger.newest_versions(instrument__code=code, rule=rule.name, timeframe=DAILY)
    rows = found.exclude(instrument__in=closed(Audience.PAGE))
    return [Decision(pk, as_of.date(), *rest) for pk, as_of, *rest in rows.order_by("-as_of").values_list(*COLUMNS)]
