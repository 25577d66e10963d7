"""Why a figure was not published on a day: the calendar and the timetable explain, the tables decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from django.db.models import QuerySet

from markets import clock
from markets.clock import WARSAW
from markets.models import Gap, Source
from markets.queries import calendars, gaps, tables
from markets.queries.asked_once import NUMBER, PreparedQuestion
from markets.queries.calendars import POLAND
from markets.queries.figures import Span

SATURDAY = 5


class Why(StrEnum):
    FUTURE = "future"
    NOT_QUOTED = "not_quoted"  # the publisher does not quote it, or did not yet
    LEFT_TABLE = "left_table"  # it is quoted no more
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    TARGET_HOLIDAY = "target_holiday"
    NOT_A_TABLE_DAY = "not_a_table_day"  # table B has one day a week
    NOT_YET_PUBLISHED = "not_yet_published"
    MISSING_HERE = "missing_here"  # it should be here and is not
    NO_PUBLICATION = "no_publication"  # a working day without a table
    REDENOMINATED = "redenominated"  # the nearest figure is for another unit of money
    STALE = "stale"  # the nearest figure is too old to be carried so far


class Reason(NamedTuple):
    """`name`: of the holiday in Polish, or the last day of what left its table."""

    why: Why
    name: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether whatever stands in for the figure is an old number."""
        return self.why in {Why.MISSING_HERE, Why.STALE}


class Hole(NamedTuple):
    """A span of days that a source has not given: of one code, or of its whole table (None)."""

    table: str
    code: str | None
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Known:
    """What is needed to explain a day. `due` and `newest` are by table, `spans` by code."""

    today: date
    due: Mapping[str, date]
    newest: Mapping[str, date]
    spans: Mapping[str, Span]
    holes: Sequence[Hole] = ()

    def is_retired(self, table: str, last: date) -> bool:
        """Whether what that table quoted for the last time on that day is quoted no more."""
        return self.newest.get(table, last) - last > tables.RETIRED_AFTER


def holes(source: Source | None = None) -> list[Hole]:
    """What is missing of official tables; one query."""
    rows = HOLES_OF_ONE.rows_of(source.pk) if source else HOLES.rows_of()
    # A gap of days runs from midnight to midnight in UTC.
    return [Hole(table, code, first.date(), last.date()) for table, code, first, last in rows]


def missing(*source: int) -> "QuerySet[Gap, Any]":
    rows = gaps.missing().filter(**dict(zip(("source",), source, strict=False)), table__in=tables.TIMETABLES)
    return rows.values_list("table", "instrument__code", "from_time", "to_time")


HOLES, HOLES_OF_ONE = PreparedQuestion(missing), PreparedQuestion(missing, NUMBER)


def explain(code: str, day: date, table: str, known: Known) -> Reason:
    """Why the code has no figure of that day; `table` is the one that it stands in around that day."""
    span = known.spans.get(code)
    if day > known.today:
        return Reason(Why.FUTURE)
    if span is None or day < span.first:
        return Reason(Why.NOT_QUOTED)
    if day > span.last and known.is_retired(span.table, span.last):
        return Reason(Why.LEFT_TABLE, span.last.isoformat())
    return closed(day, table) or absent(code, day, table, span, known)


def closed(day: date, table: str) -> Reason | None:
    """Whether nobody publishes that table on that day."""
    timetable = tables.TIMETABLES[table]
    if name := calendars.holiday(day, timetable.calendar):
        return Reason(Why.HOLIDAY if timetable.calendar == POLAND else Why.TARGET_HOLIDAY, name)
    if day.weekday() >= SATURDAY:
        return Reason(Why.WEEKEND)
    return None if timetable.publishes(day) else Reason(Why.NOT_A_TABLE_DAY)


def absent(code: str, day: date, table: str, span: Span, known: Known) -> Reason:
    """Of a day on which the table is published."""
    newest = known.newest.get(table, span.last)
    if day > newest:
        is_due = table in known.due and day <= known.due[table]
        return Reason(Why.MISSING_HERE if is_due else Why.NOT_YET_PUBLISHED)
    if any(is_in(hole, code, day, table) for hole in known.holes):
        return Reason(Why.MISSING_HERE)
    return Reason(Why.NOT_QUOTED if day > span.last else Why.NO_PUBLICATION)


def is_in(hole: Hole, code: str, day: date, table: str) -> bool:
    return hole.table == table and hole.code in {None, code} and hole.first <= day <= hole.last


def today_and_due() -> tuple[date, dict[str, date]]:
    now = clock.now()
    return now.astimezone(WARSAW).date(), tables.due_days(now)
