"""What an instrument's page asks of the decisions on its official days: two statements, whose SQL is written once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, cast

from django.db.models import OuterRef, Q, QuerySet, Subquery

from markets.licence import Audience
from markets.queries.asked_once import NUMBER, TEXTS, QuestionOf
from signals import explain_rows, ledger
from signals.api_rows import closed
from signals.history import Decision
from signals.models import DAILY, AnalysisSnapshot, Signal, midnight
from signals.queries import TURNS, day_of
from signals.rules import Rule

# What the list of a page shows, and one more that says whether there are others.
SHOWN = 20
KEEPER = f"{min(AnalysisSnapshot.WINDOWS)}d"
WINDOWS = tuple(f"{days}d" for days in sorted(AnalysisSnapshot.WINDOWS))
COLUMNS = ("pk", "rule", "as_of", "signal", *ledger.COLUMNS, "values", "backtested", "generated_at")


class Stated(NamedTuple):
    """The newest state under a rule over a window."""

    rule: str
    window: str
    status: str
    stats: dict[str, Any]


class Decided(NamedTuple):
    """A row of the ledger that no later version took back, by the columns of COLUMNS."""

    id: int
    rule: str
    as_of: datetime
    signal: str
    macd: Decimal | None
    signal_line: Decimal | None
    histogram: Decimal | None
    values: dict[str, Any]
    backtested: bool
    generated_at: datetime
    timeframe: str = DAILY

    @property
    def day(self) -> date:
        return day_of(self.as_of)

    @property
    def decision(self) -> Decision:
        columns = self.signal, self.macd, self.signal_line, self.histogram
        return Decision(self.id, self.day, *columns, self.values, self.backtested, self.generated_at)


@dataclass(frozen=True, slots=True)
class Decisions:
    """Of one rule the newest, at most SHOWN, and whether there are more; of each rule its newest BUY or SELL."""

    newest: Sequence[Decided]
    more: bool
    turns: Mapping[str, Decided]


def states_of(instrument: int) -> "QuerySet[AnalysisSnapshot, Any]":
    rows = AnalysisSnapshot.objects.filter(instrument=instrument, timeframe=DAILY, window__in=WINDOWS)
    return rows.order_by().values_list("rule", "window", "status", "stats")


def decisions_of(instrument: int, rule: str) -> "QuerySet[Signal, Any]":
    """None of an instrument whose decisions a page may not show."""
    listed = ledger.newest_versions(instrument=instrument, rule=rule, timeframe=DAILY).order_by("-as_of")
    same = {"instrument": instrument, "rule": OuterRef("rule"), "timeframe": DAILY, "signal__in": TURNS}
    turn = ledger.newest_versions(**same).order_by("-as_of").values("pk")[:1]
    decided_by = AnalysisSnapshot.objects.filter(instrument=instrument, timeframe=DAILY, window=KEEPER)
    newest = Q(pk__in=listed.values("pk")[: SHOWN + 1])
    turned = Q(pk__in=decided_by.order_by().values_list(Subquery(turn)))
    rows = Signal.objects.filter(newest | turned).exclude(instrument__in=closed(Audience.PAGE))
    return rows.order_by("-as_of").values_list(*COLUMNS)


STATES = QuestionOf(states_of, NUMBER)
DECISIONS = QuestionOf(decisions_of, NUMBER, TEXTS[0])


def states(instrument: int) -> dict[tuple[str, str], Stated]:
    """By rule and window (`30d`); one statement."""
    rows = (Stated(*row) for row in STATES.rows_of(instrument))
    return {(row.rule, row.window): row for row in rows}


def decisions(instrument: int, rule: str) -> Decisions:
    """One statement."""
    rows = [Decided(*row) for row in DECISIONS.rows_of(instrument, rule)]
    turns: dict[str, Decided] = {}
    for row in rows:
        if row.signal in TURNS:
            turns.setdefault(row.rule, row)
    of_rule = [row for row in rows if row.rule == rule]
    return Decisions(of_rule[:SHOWN], len(of_rule) > SHOWN, turns)


def why(rule: Rule, turn: Decided, before: date | None, scale: int) -> str:
    """The sentence of `/signals/{id}/explain`; `before` is the day of the bar before it."""
    row = cast("Signal", turn)  # it has every name that the sentence is made of
    return explain_rows.sentence(rule, row, midnight(before) if before else None, scale)
