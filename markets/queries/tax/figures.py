"""The rate that a rule has chosen, found in what was read: a published one, one through the euro, or the caller's."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal, localcontext

from markets.clock import WARSAW
from markets.errors import NotPublicError, QuestionError
from markets.licence import Audience
from markets.queries.tax.faults import NotKnownThenError, NotYetPublishedError, StaleError
from markets.queries.tax.reading import Reading, Row
from markets.queries.tax.rule import Choice, Cross, Difference, Given, Published, Relation, Sequence, Unless
from markets.queries.tax.sequences import EUROFXREF, TABLES, PublishedTable, Want
from markets.queries.tax.skipped import MISSING, Judged, Skipped, between, is_too_old, judge, why

# More digits than any amount times any rate has; a quotient is cut only here.
DIGITS = 60


@dataclass(frozen=True, slots=True)
class Figure:
    """PLN (or `quote`) for one unit of `code`. `row`: where it is published; `given`: what the caller said instead.

    `parts`: the rates that a derived one is made of.
    """

    code: str
    rate: Decimal
    judged: Judged
    row: Row | None = None
    given: Given | None = None
    parts: tuple["Figure", ...] = ()
    quote: str = "PLN"


class NoRate(Exception):
    """The tables of these days do not quote the currency, or there is none; `refusals` finds out why."""

    def __init__(self, want: Want) -> None:
        super().__init__(want)
        self.want = want


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds figures in what was read, for an audience, at a moment."""

    reading: Reading
    audience: Audience
    now: dt.datetime

    @property
    def today(self) -> dt.date:
        return self.now.astimezone(WARSAW).date()

    def published(self, want: Want) -> Figure:
        """Raises NoRate, or why a table may not be the answer: StaleError, NotYetPublishedError, NotPublicError."""
        tables = TABLES[want.sequence]
        for table in tables:
            day = self.reading.day(want, table)
            if day is None:
                continue
            rows = [self.reading.row(code, day, table) for code in want.codes]
            known = [row.as_known(want.known) for row in rows if row is not None]
            found = [self.shown(row) for row in known if row is not None]
            if len(found) == len(want.codes):
                return self.figure(want, table, found)
            if is_too_old(want, table, day, self.today):
                raise stale(want, table, day, [])
        if want.relation is Relation.FIRST and all(self.reading.day(want, table) is None for table in tables):
            self.refuse_future(want, tables[0])
        raise NoRate(want)

    def shown(self, row: Row) -> Row:
        if not row.is_public[self.audience]:
            raise NotPublicError(f"The figures of {row.source} are not shown in public")
        return row

    def figure(self, want: Want, table: PublishedTable, rows: list[Row]) -> Figure:
        judged = judge(want, table, rows[0], self.reading, self.now)
        if judged.is_stale:
            raise stale(want, table, rows[0].day, judged.skipped)
        found = [Figure(row.code, row.rate, judged, row) for row in rows]
        if len(found) == 1:
            return found[0]
        euro, other = found[0], Figure("EUR", rows[1].rate, judged, rows[1], quote=want.code)
        with localcontext(prec=DIGITS):
            return Figure(want.code, euro.rate / other.rate, judged, rows[0], parts=(euro, other))

    def refuse_future(self, want: Want, table: PublishedTable) -> None:
        skipped = [why(day, table, want, self.reading, self.now) for day in between(want, None, self.today)]
        if any(one.reason == MISSING for one in skipped):
            raise stale(want, table, None, skipped)
        message = f"{named(table)} of {want.day} or after is not published yet"
        raise NotYetPublishedError(message, {"since": want.day.isoformat()})

    def given(self, code: str, given: Given, quote: str = "PLN") -> Figure:
        is_ahead = given.day is not None and given.day > self.today
        judged = Judged([], why_not_final="date_ahead" if is_ahead else None)
        return Figure(code, given.rate, judged, given=given, quote=quote)


def stale(want: Want, table: PublishedTable, found: dt.date | None, skipped: list[Skipped]) -> QuestionError:
    """503: it will be here again. What was not here at a moment of the past never will have been."""
    newest = found.isoformat() if found else None
    detail = {"table": table.name, "newest": newest, "skipped": [one.as_json() for one in skipped[:40]]}
    if want.known is not None:
        message = f"{named(table)} that applies to {want.day} was not known here at {want.known:%Y-%m-%d %H:%M %Z}"
        return NotKnownThenError(message, detail | {"as_of": want.known.isoformat()})
    return StaleError(f"{named(table)} that applies to {want.day} is missing here", detail)


def named(table: PublishedTable) -> str:
    return "The reference rates of the ECB" if table.name == EUROFXREF else f"Table {table.name} of the NBP"


def wants_of(choice: Choice, code: str, known: dt.datetime | None) -> list[Want]:
    """The published rates that a choice is made of, in their order."""
    if isinstance(choice, Published):
        return [Want(choice.code or code, choice.sequence, choice.relation, choice.day, known)]
    if isinstance(choice, Cross):
        return wants_of(choice.reference, code, known)
    if isinstance(choice, Unless):
        return wants_of(choice.usual, code, known) + wants_of(choice.check, code, known)
    if isinstance(choice, Difference):
        return wants_of(choice.earlier, code, known) + wants_of(choice.later, code, known)
    return []


def compared(choice: Choice, code: str, known: dt.datetime | None) -> list[tuple[Given, Want]]:
    """What the caller says that a bank paid, each with the NBP's rate that the law measures it by (24c(5), 15a(5))."""
    legs = [choice.earlier, choice.later] if isinstance(choice, Difference) else []
    return [
        (leg, Want(code, Sequence.NBP, Relation.BEFORE, leg.day, known))
        for leg in legs
        if isinstance(leg, Given) and leg.day is not None
    ]
