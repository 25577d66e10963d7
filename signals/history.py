"""The values and the decisions behind a chart, without the libraries of the engine: a web process stays small."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from markets.queries.history import LONGEST_GAP
from signals import ledger
from signals.models import DAILY, AnalysisSnapshot, Signal
from signals.rules.rule import OFFICIAL, Bar, Rule, Values

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


def bars(closes: Iterable[tuple[date, Decimal]], rule: Rule) -> dict[date, Values]:
    """The rule's values by day, ascending; a series that was away for too long begins anew, as in the engine.

    Empty for a rule that needs more than an official close.
    """
    if not rule.needs <= {"close", OFFICIAL}:
        return {}
    names = ("close", *(value.name for value in rule.values))
    found: dict[date, Values] = {}
    state, last = rule.initial, date.min
    for day, price in closes:
        if day - last > LONGEST_GAP:
            state = rule.initial
        close, last = float(price), day
        state, values, _decision = rule.step(state, Bar(close))
        found[day] = dict(zip(names, (close, *values), strict=True))
    return found


def snapshots(code: str, rule: Rule) -> dict[str, AnalysisSnapshot]:
    """The newest state by window, the narrowest first; one query."""
    rows = AnalysisSnapshot.objects.filter(instrument__code=code, rule=rule.name, timeframe=DAILY)
    return {row.window: row for row in sorted(rows, key=lambda row: int(row.window.removesuffix("d")))}


def decisions(code: str, rule: Rule) -> list[Decision]:
    """Those on daily bars, newest first; one query."""
    rows = ledger.newest_versions(instrument__code=code, rule=rule.name, timeframe=DAILY)
    return [Decision(pk, as_of.date(), *rest) for pk, as_of, *rest in rows.order_by("-as_of").values_list(*COLUMNS)]
