"""The tables of the official publishers: when each must be there, and which is the newest that is here."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from markets.licence import Audience, shown_to
from markets.models import Rate, Source
from markets.queries.asked_once import NUMBER, PreparedQuestion
from markets.queries.calendars import Timetable

NOON, QUARTER_TO_ONE = time(11, 45), time(12, 45)
# As the providers declare them, from where markets must not import; a test holds these to them.
TIMETABLES: Mapping[str, Timetable] = {
    "A": Timetable(start=NOON, end=QUARTER_TO_ONE),
    "B": Timetable((0, 1, 2), longest_pause=16, start=NOON, end=QUARTER_TO_ONE),
    "C": Timetable(start=time(7, 45), end=time(8, 45)),
    "gold": Timetable(),
    "eurofxref": Timetable(calendar="ECB", longest_pause=5, start=time(16), end=time(17)),
}
# How far a figure may be carried. No pause of table A was longer than 6 days since 2002; table B is weekly, and three
# of its turns are what `markets.queries.overview` calls retired.
LONGEST_CARRY = {"B": timedelta(days=21)}
CARRY = timedelta(days=14)
LONGEST = max(CARRY, *LONGEST_CARRY.values())
RETIRED_AFTER = timedelta(days=21)


def carry_of(table: str) -> timedelta:
    return LONGEST_CARRY.get(table, CARRY)


def due_days(now: datetime) -> dict[str, date]:
    """By table: the newest day whose table must be here by now. It changes with a publication, not with the second."""
    found = {table: timetable.due(now)[1] for table, timetable in TIMETABLES.items()}
    return {table: day for table, day in found.items() if day}


def newest_days(audience: Audience, source: Source | None = None) -> dict[str, date]:
    """By table: the day of its newest figure that may be shown, of one source or of all. One seek a table and source,
    in one query.
    """
    found: dict[str, date] = {}
    for days in question(audience, is_of_one=True).rows_of(source.pk) if source else question(audience).rows_of():
        for table, day in zip(TIMETABLES, days, strict=True):
            if day:
                found[table] = max(day, found.get(table, day))
    return found


@cache
def question(audience: Audience, *, is_of_one: bool = False) -> PreparedQuestion:
    def asked(*source: int) -> "QuerySet[Source, Any]":
        rows = Source.objects.filter(pk=source[0]) if source else Source.objects.filter(shown_to(audience, ""))
        names = {f"newest_{table}": newest(table) for table in TIMETABLES}
        return rows.annotate(**names).values_list(*names)

    return PreparedQuestion(asked, *([NUMBER] if is_of_one else []))


def newest(table: str) -> Subquery:
    rows = Rate.objects.filter(source=OuterRef("pk"), table=table).order_by("-effective_date")
    return Subquery(rows.values("effective_date")[:1])
