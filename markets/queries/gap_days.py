"""What became of each day of an official table: published, no day of publication, or missing.

The published tables decide and the calendar only explains: a working day without a table is missing where a gap says so
or where nothing was published around it for longer than the table pauses; else the source published nothing.
"""

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from django.db.models import BooleanField, ExpressionWrapper, Q

from markets.clock import WARSAW
from markets.models import Gap, Publication, Rate, Source
from markets.queries import calendars
from markets.queries.calendars import DAY, Timetable
from markets.queries.latest_prices import midnight

# The key in `Job.details` of a job that was asked for gaps.
HEAL = "heal"
WORKING_WEEK = range(5)
# The letter that stands for both tables of an archive: each of its days with table B has a table A as well.
DAILY = "A"


class Word(StrEnum):
    PUBLISHED = "published"
    HEALED = "healed"  # brought by a job that was asked for gaps, as long as that job is kept
    SUSPECT = "suspect"  # published, and a figure of it was refused
    HOLIDAY = "holiday"
    WEEKEND = "weekend"
    NOT_DUE = "not_due"  # a working day on which this table does not come
    NOT_PUBLISHED = "not_published"  # the source has nothing of it, between two tables as near as they can be
    MISSING = "missing"
    ACCEPTED = "accepted"  # missing, and an operator has accepted it
    EXPECTED = "expected"  # its hour has not come
    FUTURE = "future"
    OUTSIDE = "outside"  # before the first or after the last day of the table


@dataclass(frozen=True, slots=True)
class DailyTable:
    """A table with its timetable and its history: `last` of one that does not grow."""

    timetable: Timetable
    first: date
    last: date | None = None

    def holds(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Hole:
    """The days of a gap; `of_instrument`: of one figure alone, so that the table itself is there."""

    first: date
    last: date
    accepted: bool = False
    of_instrument: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The published days, ascending, with whether they were healed, and the holes."""

    published: Mapping[date, bool] = field(default_factory=dict)
    holes: Sequence[Hole] = ()
    days: Sequence[date] = ()


def word(day: date, table: DailyTable, known: Known, now: datetime) -> Word:
    """The state of one day."""
    if day in known.published:
        return of_published(day, known)
    if not table.holds(day):
        return Word.OUTSIDE
    planned = of_calendar(day, table.timetable)
    if planned is not None:
        return planned
    hole = next((one for one in known.holes if one.first <= day <= one.last and not one.of_instrument), None)
    if hole is not None:
        return Word.ACCEPTED if hole.accepted else Word.MISSING
    if now.astimezone(WARSAW).date() < day:
        return Word.FUTURE
    if now < table.timetable.deadlines(day)[1]:
        return Word.EXPECTED
    return Word.NOT_PUBLISHED if is_pause(day, table.timetable, known.days) else Word.MISSING


def of_published(day: date, known: Known) -> Word:
    refused = any(one.first <= day <= one.last and one.of_instrument and not one.accepted for one in known.holes)
    if refused:
        return Word.SUSPECT
    return Word.HEALED if known.published[day] else Word.PUBLISHED


@lru_cache(maxsize=20_000)
def of_calendar(day: date, timetable: Timetable) -> Word | None:
    """Why no table is due on this day; None where one is."""
    if calendars.holiday(day, timetable.calendar):
        return Word.HOLIDAY
    if day.weekday() not in WORKING_WEEK:
        return Word.WEEKEND
    return None if timetable.publishes(day) else Word.NOT_DUE


def is_pause(day: date, timetable: Timetable, days: Sequence[date]) -> bool:
    """Whether tables stand on both sides of the day, no farther from each other than is natural."""
    place = bisect(days, day)
    around = days[max(place - 1, 0) : place + 1]
    return len(around) > 1 and place > 0 and (around[1] - around[0]).days <= timetable.longest_pause


def due_days(first: date, last: date, table: DailyTable) -> int:
    """The number of days from `first` to `last`, both inclusive, on which the timetable has a table."""
    days = (first + DAY * number for number in range((last - first).days + 1))
    return sum(table.holds(day) and of_calendar(day, table.timetable) is None for day in days)


def known(source: Source, table: str, first: date, last: date, around: int) -> Known:
    """What the tables say of these days, and of `around` days on both sides; two statements."""
    reach = first - timedelta(days=around), last + timedelta(days=around)
    published = dict(published_days(source, table, *reach))
    rows = Gap.objects.filter(source=source, table=table, from_time__lte=midnight(last), to_time__gte=midnight(first))
    columns = ("from_time", "to_time", "accepted_at", "instrument_id")
    holes = [
        Hole(start.date(), end.date(), accepted is not None, instrument is not None)
        for start, end, accepted, instrument in rows.order_by("from_time", "pk").values_list(*columns)
    ]
    return Known(published, holes, sorted(published))


def published_days(source: Source, table: str, first: date, last: date) -> Iterable[tuple[date, bool]]:
    """Each day with a table, and whether it was healed. An archive counts the official figures as well."""
    if source.fallback_for_id is not None:
        rates = Rate.objects.filter(source__in=[source.pk, source.fallback_for_id], table=DAILY)
        days = rates.filter(effective_date__range=(first, last)).order_by().values_list("effective_date", flat=True)
        return [(day, False) for day in days.distinct()]
    rows = Publication.objects.filter(source=source, table=table, effective_date__range=(first, last))
    healed = ExpressionWrapper(Q(job__details__has_key=HEAL), output_field=BooleanField())
    return [(day, bool(was)) for day, was in rows.order_by().annotate(was=healed).values_list("effective_date", "was")]


def holiday_name(day: date, state: Word, table: DailyTable) -> str | None:
    """What the day is called where it explains why there is no table."""
    return calendars.holiday(day, table.timetable.calendar) if state == Word.HOLIDAY else None
