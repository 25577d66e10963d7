"""Why no table quotes a currency: it left, it was not there yet, nobody ever quoted it, or its figure was refused here.

Three statements for all refusals of a call together.
"""

import datetime as dt
from collections.abc import Sequence as Many
from dataclasses import replace
from typing import NamedTuple

from markets.errors import QuestionError
from markets.models import Gap, Rate
from markets.queries.tax import statements
from markets.queries.tax.faults import CurrencyLeftTableError, NoRateBeforeError, NotQuotedError
from markets.queries.tax.figures import Figure, Finder, stale
from markets.queries.tax.sequences import ARCHIVE, FORTNIGHT, TABLE_A, TABLE_B, TABLES, Want
from markets.queries.tax.successors import PREDECESSORS, SUCCESSORS

REFERENCE_RULE = "uor-reference"


class Neighbour(NamedTuple):
    table: str
    day: dt.date
    source: str
    number: str | None


class Around(NamedTuple):
    """The newest rate of the currency before the bound, and the oldest one from there on."""

    before: Neighbour | None = None
    after: Neighbour | None = None


def explain(wants: Many[Want], finder: Finder) -> dict[Want, Figure | QuestionError]:
    """What to say of each want that no table answers. A figure: the archive has it under the wrong letter."""
    around = neighbours(wants)
    refused = refused_days(wants)
    return {want: judged(want, around.get(want, Around()), refused, finder) for want in wants}


def neighbours(wants: Many[Want]) -> dict[Want, Around]:
    def letters(want: Want) -> tuple[str, str]:
        tables = [table.name for table in TABLES[want.sequence]]
        return tables[0], tables[-1]

    found = statements.neighbours([(want.codes[-1], want.bound, *letters(want)) for want in wants])
    keys = {key for _, *pair in found for key in pair if key is not None}
    columns = ("pk", "table", "effective_date", "source__code", "publication__number")
    rows = {key: Neighbour(*row) for key, *row in Rate.objects.filter(pk__in=keys).values_list(*columns)}
    return {wants[number]: Around(rows.get(before), rows.get(after)) for number, before, after in found}


def refused_days(wants: Many[Want]) -> set[tuple[str, str, dt.date]]:
    """(code, table, day): figures that were published and refused here."""
    codes = {code for want in wants for code in want.codes}
    rows = Gap.objects.filter(instrument__code__in=codes, accepted_at=None, reason=Gap.Reason.REFUSED)
    spans = rows.values_list("instrument__code", "table", "from_time", "to_time")
    return {
        (code, table, first.date() + dt.timedelta(days=number))
        for code, table, first, last in spans
        for number in range((last - first).days + 1)
    }


def judged(
    want: Want, around: Around, refused: set[tuple[str, str, dt.date]], finder: Finder
) -> Figure | QuestionError:
    for table in TABLES[want.sequence]:
        day = finder.reading.day(want, table)
        if day is not None and any((code, table.name, day) in refused for code in want.codes):
            return stale(want, table, day, [])
    try:
        return at_the_edge(want, around, finder) or why_none(want, around, finder)
    except QuestionError as error:
        return error


def at_the_edge(want: Want, around: Around, finder: Finder) -> Figure | None:
    """The archive has no letters: the first rate of a currency that went from A to B can stand under A there (RUB of
    2022-03-09). It went when its next rate is of table B.
    """
    before, after, day = around.before, around.after, finder.reading.newest(TABLE_B, want.bound, want.known)
    if TABLE_B not in TABLES[want.sequence] or before is None or after is None or before.day != day:
        return None
    is_edge = before.source == ARCHIVE and before.table != TABLE_B.name == after.table
    row = finder.reading.row(want.code, before.day, TABLE_A)
    if not is_edge or row is None or (after.day - before.day).days > FORTNIGHT:
        return None
    return finder.figure(want, TABLE_B, [finder.shown(replace(row, table=TABLE_B.name))])


def why_none(want: Want, around: Around, finder: Finder) -> QuestionError:
    table, (before, after) = TABLES[want.sequence][0], around
    publisher = "the ECB" if want.sequence == "ecb" else "the NBP"
    if before is not None:
        successor = SUCCESSORS.get(want.code)
        detail = {"last_table": before.number or None, "table": before.table, "last_date": before.day.isoformat()}
        hint = f"; its successor is {successor}" if successor else ""
        message = f"{want.code} was last quoted by {publisher} on {before.day}, before {want.day}{hint}"
        return CurrencyLeftTableError(message, detail | {"successor": successor})
    if after is not None:
        detail = {"first_table": after.number or None, "table": after.table, "first_date": after.day.isoformat()}
        predecessor = PREDECESSORS.get(want.code)
        message = f"{want.code} is quoted by {publisher} since {after.day}: nothing applies to {want.day}"
        return NoRateBeforeError(message, detail | {"predecessor": predecessor})
    if want.code == "PLN":
        return NotQuotedError("PLN needs no rate: the answer is in PLN", {"hint": None})
    if finder.reading.newest(table, dt.date.max, want.known) is None:
        return stale(want, table, None, [])
    message = (
        f"{want.code} is not quoted by {publisher}; only the accounting act has a rule for that ({REFERENCE_RULE})"
    )
    return NotQuotedError(message, {"hint": REFERENCE_RULE})
