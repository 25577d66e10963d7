"""The averages and the decisions behind a chart, without the libraries of the brain: a web process stays small."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef

from markets.queries.history import LONGEST_GAP
from signals import rules
from signals.models import AnalysisSnapshot, Signal
from signals.rules import MacdCross

# What lies before the 420 bars of so many days weighs 1e-14 of a price with 12/26/9.
LEAD_DAYS = 610


class RuleBar(NamedTuple):
    """The rule's values on one day."""

    close: float
    fast: float
    slow: float
    macd: float
    signal_line: float
    histogram: float


@dataclass(frozen=True, slots=True)
class Decision:
    """A row of the ledger that no later edition took back."""

    id: int
    day: date
    signal: str
    macd: Decimal
    signal_line: Decimal
    histogram: Decimal
    values: dict[str, Any]
    backtested: bool
    generated_at: datetime

    @property
    def turns(self) -> bool:
        return self.signal != Signal.Label.HOLD


def bars(closes: Iterable[tuple[date, Decimal]], rule: MacdCross) -> dict[date, RuleBar]:
    """By day, ascending; a series that was away for too long begins anew, as it does for the brain."""
    found: dict[date, RuleBar] = {}
    for days, values in unbroken(closes):
        fast, slow = averaged(values, rule.fast), averaged(values, rule.slow)
        line = [a - b for a, b in zip(fast, slow, strict=True)]
        # The signal line starts from zero, which is what the MACD line is on the first bar.
        signal = averaged(line, rule.signal)
        histogram = [a - b for a, b in zip(line, signal, strict=True)]
        rows = map(RuleBar, values, fast, slow, line, signal, histogram)
        found.update(zip(days, rows, strict=True))
    return found


def unbroken(closes: Iterable[tuple[date, Decimal]]) -> list[tuple[list[date], list[float]]]:
    parts: list[tuple[list[date], list[float]]] = []
    for day, close in closes:
        if not parts or day - parts[-1][0][-1] > LONGEST_GAP:
            parts.append(([], []))
        parts[-1][0].append(day)
        parts[-1][1].append(float(close))
    return parts


def averaged(values: Sequence[float], span: int) -> list[float]:
    """The exponential average over `span` bars, begun with the first value."""
    weight = 2.0 / (span + 1)
    return list(accumulate(values, lambda average, value: average + weight * (value - average)))


def turning_close(bar: RuleBar, rule: MacdCross) -> float | None:
    """The next close at which the histogram would be zero; None where no price can do it."""
    fast, slow = 2.0 / (rule.fast + 1), 2.0 / (rule.slow + 1)
    close = (bar.signal_line - bar.fast * (1 - fast) + bar.slow * (1 - slow)) / (fast - slow)
    return close if close > 0 else None


def snapshots(code: str) -> dict[str, AnalysisSnapshot]:
    """The newest state by window, the narrowest first; one query."""
    rows = AnalysisSnapshot.objects.filter(instrument__code=code, rule=rules.macd_cross().name)
    return {row.window: row for row in sorted(rows, key=lambda row: int(row.window.removesuffix("d")))}


def decisions(code: str) -> list[Decision]:
    """Those under today's rule, newest first; one query."""
    rule = rules.macd_cross()
    same_bar = {name: OuterRef(name) for name in ("instrument", "rule", "timeframe", "as_of")}
    newer = Signal.objects.filter(**same_bar, version__gt=OuterRef("version"))
    rows = Signal.objects.filter(~Exists(newer), instrument__code=code, rule=rule.name, timeframe=rule.timeframe)
    columns = ("id", "as_of", "signal", "macd", "signal_line", "histogram", "values", "backtested", "generated_at")
    return [Decision(pk, as_of.date(), *rest) for pk, as_of, *rest in rows.order_by("-as_of").values_list(*columns)]
