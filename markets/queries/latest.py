"""The newest rate of each pair, without a day: what a source that has stalled left behind is marked as such."""

from datetime import date
from typing import Any

from markets.instruments.names import GOLD
from markets.models import Currency
from markets.models.querysets import MID_TABLES
from markets.queries import asked, filled, tables
from markets.queries.asked import Asked
from markets.queries.crosses import ZLOTY
from markets.queries.figures import Wanted, moved
from markets.queries.filled import Cell, Line
from markets.queries.kept import KeptQuestion
from markets.queries.unpublished import Known, Reason, Why

CODES = KeptQuestion(lambda: Currency.objects.exclude(code=GOLD).order_by("code").values_list("code"))


def all_codes(base: str | None) -> list[str]:
    """Every currency there ever was a rate of; with a base, PLN is one that it can be priced in."""
    return [*([ZLOTY] if base else []), *(code for (code,) in CODES.rows())]


def rows(question: Asked) -> list[dict[str, Any]]:
    """A row for each pair; without a value where nothing of it is published any more."""
    known = asked.facts_of(question)
    return [row(question, line, known) for line in lines(question, known)]


def current_rows(question: Asked) -> list[dict[str, Any]]:
    """Of those alone that the newest tables have, sorted by code; a currency in itself is left out."""
    known = asked.facts(question.wanted, {})
    found = [row(question, line, known) for line in lines(question, known) if line.days]
    return sorted((one for one in found if one["effective_date"]), key=lambda one: (one["base"], one["quote"]))


def lines(question: Asked, known: Known) -> list[Line]:
    return asked.lines(question, first_day(question.wanted, known), known.today)


def first_day(wanted: Wanted, known: Known) -> date:
    """Since when a figure may be the newest: what is older has left its table, as the other figures there show."""
    of_pairs = set(known.newest) - {"gold", "C", *MID_TABLES}
    names = {wanted.table} if wanted.table else of_pairs if is_other(wanted) else set(MID_TABLES)
    oldest = min((known.newest[name] for name in names if name in known.newest), default=known.today)
    return moved(min(oldest, known.today), -tables.RETIRED_AFTER)


def is_other(wanted: Wanted) -> bool:
    """Whether it is about pairs, which stand in other tables than currencies, or about another publisher."""
    return wanted.source is not None or any(row.kind == row.Kind.PAIR for row in wanted.instruments)


def row(question: Asked, line: Line, known: Known) -> dict[str, Any]:
    """The row of a day without the day that was asked for."""
    day = newest_day(line, known)
    why = standing(line, day, known) if line.pair.legs else None
    if why and why.why in filled.FINAL:
        day = None
    answer = asked.row(question, line, Cell(known.today, day, why, why is not None and why.is_stale))
    del answer["date"], answer["filled"]
    return answer


def newest_day(line: Line, known: Known) -> date | None:
    if not line.pair.legs:
        return known.today
    return line.days[-1] if line.days else None


def standing(line: Line, day: date | None, known: Known) -> Reason | None:
    """Why there is no figure, or only an old one; None for one that is as new as it can be."""
    if day is None:
        return filled.reason(line, known.today, known)
    newest = [line.known[code].figures[line.known[code].days[-1]] for code in line.pair.legs]
    left = [figure.day for figure in newest if known.is_retired(figure.table, figure.day)]
    if left:
        return Reason(Why.LEFT_TABLE, min(left).isoformat())
    due = min(known.due.get(figure.table, date.min) for figure in newest)
    return Reason(Why.MISSING_HERE) if day < due else None
