"""What the tables hold for many wants at once: the days of their tables, gaps, and the figures of those days."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from decimal import Decimal

from markets.decimals import published
from markets.licence import Audience
from markets.queries.tax import statements
from markets.queries.tax.rule import Relation
from markets.queries.tax.sequences import TABLES, PublishedTable, Want
from markets.queries.then import figure_then

EVER = dt.date.max
# Source, table, a day, and as it was known when.
Place = tuple[str, str, dt.date, dt.datetime | None]
Days = tuple[dt.date | None, dt.date | None]
NO_DAYS: Days = (None, None)


@dataclass(frozen=True, slots=True)
class Row:
    """A figure as it stands in a table. `publication` is None where there is no proof."""

    code: str
    day: dt.date
    table: str
    rate: Decimal
    source: str
    edition: str
    is_public: dict[Audience, bool]
    publication: int | None
    number: str
    sha256: str
    # (until when, what it was), ascending; only where a moment was asked for, as are the next two.
    before: tuple[tuple[dt.datetime, "Row"], ...] = ()
    first_fetched: dt.datetime | None = None
    # Since when, and as what, an archive had it.
    archive: tuple[dt.datetime, "Row"] | None = None

    def as_known(self, at: dt.datetime | None) -> "Row | None":
        """What it was then; None where nothing says that it was known."""
        if at is None:
            return self
        found = figure_then(self, self.before, self.first_fetched, self.archive, at)
        return found and found[0]


@dataclass(frozen=True, slots=True)
class GapSpan:
    source: str
    table: str
    first: dt.date
    last: dt.date
    is_accepted: bool


@dataclass(slots=True)
class Reading:
    """`days`: the newest day before a place, and the oldest one not before it. `rows` by code and day."""

    days: dict[Place, Days] = field(default_factory=dict)
    gaps: list[GapSpan] = field(default_factory=list)
    rows: dict[tuple[str, dt.date], list[Row]] = field(default_factory=lambda: defaultdict(list))

    def newest(self, table: PublishedTable, bound: dt.date, known: dt.datetime | None) -> dt.date | None:
        """The newest day before `bound` of any of its sources."""
        found = (self.days.get(place, NO_DAYS)[0] for place in places(table, bound, known))
        return max(filter(None, found), default=None)

    def oldest(self, table: PublishedTable, bound: dt.date, known: dt.datetime | None) -> dt.date | None:
        """The oldest day of `bound` or after."""
        found = (self.days.get(place, NO_DAYS)[1] for place in places(table, bound, known))
        return min(filter(None, found), default=None)

    def day(self, want: Want, table: PublishedTable) -> dt.date | None:
        look = self.oldest if want.relation is Relation.FIRST else self.newest
        return look(table, want.bound, want.known)

    def archived_until(self, table: PublishedTable) -> dt.date:
        """The archive is whole up to its newest figure: whatever has no table until then was not published."""
        found = [self.days.get((source, table.name, EVER, None), NO_DAYS)[0] for source in table.sources[1:]]
        return max(filter(None, found), default=dt.date.min)

    def row(self, code: str, day: dt.date, table: PublishedTable) -> Row | None:
        return next((row for row in self.rows.get((code, day), ()) if row.table == table.name), None)


def read(wants: Collection[Want]) -> Reading:
    """Two statements: the days, then the figures of these days."""
    reading = Reading()
    asked = list(dict.fromkeys(place for want in wants for place in places_of(want)))
    for number, source, table, accepted, first, last in statements.days(asked) if asked else ():
        if number < 0:
            reading.gaps.append(GapSpan(source, table, on(first), on(last), bool(accepted)))
        else:
            reading.days[asked[number]] = first and on(first), last and on(last)
    days = {want: [reading.day(want, table) for table in TABLES[want.sequence]] for want in wants}
    pairs = {(code, day) for want, found in days.items() for day in found if day for code in want.codes}
    add_figures(reading, pairs, any(want.known for want in wants))
    return reading


def places_of(want: Want) -> list[Place]:
    return [
        place
        for table in TABLES[want.sequence]
        for bound in (want.bound, EVER)
        for known in (want.known, None)
        for place in places(table, bound, known)
        if known is want.known or bound is EVER
    ]


def places(table: PublishedTable, bound: dt.date, known: dt.datetime | None) -> list[Place]:
    return [(source, table.name, bound, known) for source in table.sources]


def add_figures(reading: Reading, pairs: Collection[tuple[str, dt.date]], with_revisions: bool) -> None:
    lines: dict[tuple[str, str, str], list[statements.Line]] = defaultdict(list)
    for line in statements.figures(sorted(pairs), with_revisions) if pairs else ():
        lines[line[:3]].append(line)
    for found in lines.values():
        row = row_of(found)
        reading.rows[row.code, row.day].append(row)


def row_of(lines: list[statements.Line]) -> Row:
    """A figure from its lines: one, or one for each revision."""
    code, day, table, mid, scale, source, edition, page, api, pk, number, sha256, *more = lines[0]
    place = code, on(day), table
    row = Row(*place, exact(mid, scale), source, edition, public(page, api), pk, number or "", sha256 or "")
    if not more:
        return row
    first_fetched, read_at, *archive = more[:6]
    return replace(
        row,
        before=tuple(earlier(row, line[18:]) for line in lines if line[18] is not None and line[19] is not None),
        first_fetched=first_fetched and instant(first_fetched),
        archive=read_at and (instant(read_at), as_archived(row, *archive)),
    )


def earlier(row: Row, line: statements.Line) -> tuple[dt.datetime, Row]:
    """Until when, and what it was. A proof is that of the same number only."""
    seen_at, mid, scale, source, edition, page, api, number, sha256 = line
    publication = row.publication if number and number == row.number else None
    figure = exact(mid, scale), source, edition, public(page, api)
    return instant(seen_at), Row(row.code, row.day, row.table, *figure, publication, number, sha256)


def as_archived(row: Row, source: str, edition: str, page: bool, api: bool) -> Row:
    shown = public(page, api)
    return replace(row, source=source, edition=edition, is_public=shown, publication=None, number="", sha256="")


def public(page: object, api: object) -> dict[Audience, bool]:
    return {Audience.PAGE: bool(page), Audience.API: bool(api), Audience.OPERATOR: True}


def on(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def instant(value: dt.datetime | str) -> dt.datetime:
    """A moment as the driver gives it: PostgreSQL's is aware; SQLite's is in UTC without saying so, text where it was
    computed.
    """
    moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def exact(value: Decimal | float, scale: int) -> Decimal:
    """The published digits. SQLite gives a REAL, of which 15 digits are what was put in."""
    number = value if isinstance(value, Decimal) else Decimal(f"{value:.15g}")
    return published(number, scale) or number
