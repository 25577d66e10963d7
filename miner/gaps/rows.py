"""The gaps as the API returns them: how each stands, and what became of each of its days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from markets import clock
from markets.jobs import job_leases
from markets.models import Gap, Job, Publication
from markets.queries import gap_days
from markets.queries.calendars import DAY
from markets.queries.gap_days import HEAL, Hole, Known
from markets.store import gaps
from miner import faults
from miner.gaps import tables
from miner.gaps.wish import Wish

# The days of a longer gap are cut off behind these.
SHOWN_DAYS = 31
BY_HAND = {Job.Trigger.COMMAND, Job.Trigger.OPERATOR}
COLUMNS = (
    *("id", "source_id", "source__code", "source__enabled", "source__available", "source__paused_until"),
    *("table", "instrument_id", "instrument__code", "from_time", "to_time", "reason", "cause", "tries", "next_try"),
    *("accepted_at", "accepted_by__username"),
)
Published = dict[tuple[int, str], dict[date, bool]]


class Row(NamedTuple):
    """The columns above."""

    id: int
    source_id: int
    source: str
    enabled: bool
    available: bool
    paused_until: datetime | None
    table: str
    instrument_id: int | None
    instrument: str | None
    first: datetime
    last: datetime
    reason: str
    cause: str
    tries: int
    next_try: datetime | None
    accepted_at: datetime | None
    accepted_by: str | None


class Running(NamedTuple):
    """A job that works at the moment, or waits for its continuation."""

    started_at: datetime
    trigger: str
    wish: Wish | None


def items(rows: QuerySet[Gap], names_people: bool) -> list[dict[str, Any]]:
    """Three statements, whatever the number of rows. `names_people`: whether the reader may know who accepted."""
    found = [Row(*values) for values in rows.values_list(*COLUMNS)]
    running, published, now = running_jobs(found), published_days(found), clock.now()
    return [item(row, running, published, now, names_people) for row in found]


def item(
    row: Row, running: Mapping[str, Running], published: Published, now: datetime, names_people: bool
) -> dict[str, Any]:
    expected, days = explained(row, published, now)
    is_daily = not row.table.startswith(gaps.CANDLES)
    return {
        "id": row.id,
        "source": row.source,
        "table": row.table,
        "instrument": row.instrument,
        "from": row.first.date() if is_daily else row.first,
        "to": row.last.date() if is_daily else row.last,
        "expected": expected,
        "reason": row.reason,
        "cause": row.cause or None,
        "tries": row.tries,
        "next_try": row.next_try,
        "state": state(row, running.get(tables.job_type(row.source, row.table)), expected, now),
        "accepted_at": row.accepted_at,
        "accepted_by": row.accepted_by if names_people else None,
        "days": days,
    }


def state(row: Row, job: Running | None, expected: int, now: datetime) -> str:
    """Who does what about it, in one word."""
    if row.accepted_at is not None:
        return "accepted"
    if not expected:
        return "explained"
    if job is not None and is_asked(row, job):
        return "asking"
    if not (row.enabled and row.available) or (row.paused_until is not None and row.paused_until > now):
        return "off"
    return "given_up" if row.tries >= faults.MANY_TRIES else "waiting"


def is_asked(row: Row, job: Running) -> bool:
    """Whether the job that runs asks for this gap too: one by hand for all, another for those that were due then."""
    if job.wish is not None:
        place = Gap(instrument_id=row.instrument_id, from_time=row.first, to_time=row.last)
        return job.wish.holds(place)
    return job.trigger in BY_HAND or row.next_try is None or row.next_try <= job.started_at


def running_jobs(rows: Iterable[Row]) -> dict[str, Running]:
    types = {tables.job_type(row.source, row.table) for row in rows}
    jobs = Job.objects.filter(job_type__in=types, status=Job.Status.RUNNING, lease_until__gt=clock.now())
    columns = ("job_type", "worker", "started_at", "trigger", "details")
    return {
        name: Running(started_at, trigger, Wish.of(details[HEAL]) if HEAL in details else None)
        for name, worker, started_at, trigger, details in jobs.values_list(*columns)
        if not worker or job_leases.is_alive(worker)
    }


def explained(row: Row, published: Published, now: datetime) -> tuple[int, list[dict[str, Any]]]:
    """How many tables, candles or days the gap is about, and of an official table what its first days were."""
    bar = gaps.step(row.table)
    series = tables.series_of(row.source, row.table)
    if series is None:
        return (row.last - row.first) // bar + 1, []
    table, first, last = tables.daily(series), row.first.date(), row.last.date()
    there = published.get((row.source_id, row.table), {})
    hole = Hole(first, last, row.accepted_at is not None, row.instrument_id is not None)
    known = Known(there, [hole], sorted(there))
    days = [day(one, table, known, now) for one in shown(row)]
    beyond = sum(gap_days.of_calendar(one, table.timetable) is not None for one in there if first <= one <= last)
    return gap_days.due_days(first, last, table) + beyond, days


def day(one: date, table: gap_days.DailyTable, known: Known, now: datetime) -> dict[str, Any]:
    word = gap_days.word(one, table, known, now)
    return {"day": one, "state": word, "name": gap_days.holiday_name(one, word, table)}


def shown(row: Row) -> Iterator[date]:
    last = min(row.last.date(), row.first.date() + DAY * (SHOWN_DAYS - 1))
    return (row.first.date() + DAY * number for number in range((last - row.first.date()).days + 1))


def published_days(rows: Iterable[Row]) -> Published:
    """By source and table, the days among those shown that have a table; one statement."""
    spans: dict[tuple[int, str], tuple[date, date]] = {}
    for row in rows:
        if tables.series_of(row.source, row.table):
            days = [row.first.date(), min(row.last.date(), row.first.date() + DAY * SHOWN_DAYS)]
            place = row.source_id, row.table
            known = spans.get(place, (days[0], days[1]))
            spans[place] = min(known[0], days[0]), max(known[1], days[1])
    wanted = Q(pk__in=[])
    for (source, name), span in spans.items():
        wanted |= Q(source=source, table=name, effective_date__range=span)
    found: Published = defaultdict(dict)
    healed = ExpressionWrapper(Q(job__details__has_key=HEAL), output_field=BooleanField())
    there = Publication.objects.filter(wanted).order_by().annotate(was=healed)
    for source, name, effective, was in there.values_list("source_id", "table", "effective_date", "was"):
        found[source, name][effective] = bool(was)
    return found
