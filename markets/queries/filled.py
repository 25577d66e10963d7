"""The one rule for a day and for a period: what a pair was worth on a day, and where that figure comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from markets.queries import crosses, tables
from markets.queries.crosses import NOTHING, Pair
from markets.queries.figures import Figure, Series, at_or_after, at_or_before
from markets.queries.unpublished import Known, Reason, Why, explain

Fill = Literal["none", "previous", "next"]
# These say that there never will be a figure, whichever way one looks.
FINAL = {Why.FUTURE, Why.NOT_QUOTED, Why.LEFT_TABLE}


@dataclass(frozen=True, slots=True)
class Line:
    """A pair with its figures: `days` are those on which all of its legs were published, ascending."""

    pair: Pair
    days: list[date]
    known: Mapping[str, Series]

    @classmethod
    def of(cls, pair: Pair, known: Mapping[str, Series]) -> "Line":
        return cls(pair, crosses.common_days(pair, known), known)

    def fields(self, day: date | None) -> dict[str, Any]:
        if day is None:
            return NOTHING
        return crosses.fields(self.pair, self.of_day(day))

    def of_day(self, day: date | None) -> list[Figure]:
        """The figure of each leg on a day on which all of them have one; none without a day."""
        return [self.known[code].figures[day] for code in self.pair.legs] if day else []

    def table_of(self, code: str, day: date, facts: Known) -> str:
        """The table that the code stands in on that day: of its newest figure before, as far back as every question
        reads, else of its last one.
        """
        series, span = self.known.get(code), facts.spans.get(code)
        near = at_or_before(series.days, day) if series else None
        if series and near and day - near <= tables.LONGEST:
            return series.figures[near].table
        return span.table if span else "A"


class Cell(NamedTuple):
    """`asked` is the day of the question, `day` that of the figure, None where there is none. `is_stale`: a figure that
    is nearer to the asked day should be here and is not.
    """

    asked: date
    day: date | None
    reason: Reason | None = None
    is_stale: bool = False

    @property
    def is_filled(self) -> bool:
        return self.day is not None and self.day != self.asked


def cell(line: Line, asked: date, fill: Fill, facts: Known) -> Cell:
    if not line.pair.legs:  # a currency in itself
        return Cell(asked, asked)
    exact = at_or_before(line.days, asked)
    if exact == asked:
        return Cell(asked, asked)
    why = reason(line, asked, facts)
    if fill == "none" or why.why is Why.FUTURE:
        return without(asked, why)
    near = exact if fill == "previous" else at_or_after(line.days, asked)
    if near is None or abs(near - asked) > carry(line, near, facts):
        return without(asked, why if why.why in FINAL else Reason(beyond(line, asked, fill, facts)))
    if crosses.crosses_break(line.pair, asked, near):
        return without(asked, Reason(Why.REDENOMINATED))
    return Cell(asked, near, why, is_stale(line, asked, near, facts))


def without(asked: date, why: Reason) -> Cell:
    return Cell(asked, None, why, why.is_stale)


def is_stale(line: Line, asked: date, near: date, facts: Known) -> bool:
    """Whether a day from the asked one to that of the figure is missing here: a weekend hides no old number."""
    step = 1 if near > asked else -1
    days = (date.fromordinal(number) for number in range(asked.toordinal(), near.toordinal(), step))
    return any(reason(line, day, facts).is_stale for day in days)


def reason(line: Line, day: date, facts: Known) -> Reason:
    """Of the legs that were not published that day; one that is gone for good goes before a holiday of the other."""
    missing = [code for code in line.pair.legs if code not in line.known or day not in line.known[code].figures]
    found = [explain(code, day, line.table_of(code, day, facts), facts) for code in missing]
    return next((why for why in found if why.why in FINAL), found[0])


def carry(line: Line, day: date, facts: Known) -> timedelta:
    """How far this figure may be carried: as far as the slowest of its tables lets."""
    return max(tables.carry_of(line.table_of(code, day, facts)) for code in line.pair.legs)


def beyond(line: Line, asked: date, fill: Fill, facts: Known) -> Why:
    """Why no figure is near enough: it is still to come, or there is too long a pause."""
    if fill == "previous":
        return Why.STALE
    newest = max(facts.newest.get(line.table_of(code, asked, facts), date.min) for code in line.pair.legs)
    if asked <= newest:
        return Why.STALE
    due = min(facts.due.get(line.table_of(code, asked, facts), date.min) for code in line.pair.legs)
    return Why.MISSING_HERE if due >= asked else Why.NOT_YET_PUBLISHED


def row(line: Line, found: Cell) -> dict[str, Any]:
    """As the API answers it."""
    why = found.reason
    return {
        "code": line.pair.code,
        "base": line.pair.base,
        "quote": line.pair.quote,
        "date": found.asked,
        "effective_date": found.day,
        **line.fields(found.day),
        "unit": 1,
        "filled": found.is_filled,
        "stale": found.is_stale,
        "reason": why.why if why else None,
        "reason_name": why.name or None if why else None,
    }
