"""The timetable of the miner: `Source.cadence` owns the beat, the provider's publication hours add their own.

What comes more often than once a minute is pulse's (`beat_list`): the queue looks at this table every half minute.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.db import transaction
from django_q.models import Schedule

from markets import clock
from markets.models import Source
from miner.providers import PROVIDERS
from miner.providers.base import TableSeries

POLL_MINUTES = 10


# Away from the hours that the clock skips or repeats, and from every publication.
NIGHT = "40 3 * * *"


def write_all() -> None:
    for source in Source.objects.all():
        write(source)
    put("batch", batch_schedules())
    put("retention", [retention_schedule()])


def batch_schedules() -> list[Schedule]:
    """The batch and its queue, for all sources together."""
    now = clock.now()
    beats = (
        ("batch.priority", "miner.tasks.priority_batch", settings.BATCH_INTERVAL_MINUTES),
        ("batch.secondary", "miner.tasks.enqueue_secondary", settings.BATCH_ENQUEUE_MINUTES),
    )
    return [
        Schedule(
            name=name,
            func=func,
            schedule_type=Schedule.MINUTES,
            minutes=minutes,
            next_run=next_on_grid(now, minutes * 60),
            cluster=settings.MINER_QUEUE,
            repeats=-1,
        )
        for name, func, minutes in beats
    ]


def retention_schedule() -> Schedule:
    entry = Schedule(
        name="retention",
        func="miner.tasks.prune",
        schedule_type=Schedule.CRON,
        cron=NIGHT,
        cluster=settings.MINER_QUEUE,
        repeats=-1,
    )
    entry.next_run = entry.calculate_next_run(clock.now())
    return entry


def write(source: Source) -> None:
    """Make the schedules of one source say what its row says."""
    with transaction.atomic():
        Source.objects.select_for_update(no_key=True).get(pk=source.pk)
        put(source.code, timetable(source))


def put(name: str, entries: list[Schedule]) -> None:
    """These are the schedules of that name; what is right already keeps its next run."""
    wanted = {entry.name: entry for entry in entries}
    with transaction.atomic():
        rows = list(Schedule.objects.filter(name__regex=rf"^{name}(\.|$)").order_by("pk"))
        right = {row.name: row.pk for row in rows if row.name in wanted and same(row, wanted[row.name])}
        Schedule.objects.filter(pk__in={row.pk for row in rows} - set(right.values())).delete()
        Schedule.objects.bulk_create([entry for name, entry in wanted.items() if name not in right])


def same(row: Schedule, entry: Schedule) -> bool:
    fields = ("func", "args", "schedule_type", "minutes", "cron", "cluster", "repeats")
    return all((getattr(row, field) or None) == (getattr(entry, field) or None) for field in fields)


def timetable(source: Source) -> list[Schedule]:
    provider = PROVIDERS.get(source.code)
    if provider is None or not source.enabled or not provider.scheduled or not provider.series:
        return []
    beat = Schedule(
        name=source.code,
        func="miner.tasks.mine",
        args=repr((source.code,)),
        schedule_type=Schedule.MINUTES,
        minutes=ceil(source.polling_interval / 60),
        next_run=next_on_grid(clock.now(), source.polling_interval),
        cluster=settings.MINER_QUEUE,
        repeats=-1,
    )
    return [beat, *(entry for series in provider.series for entry in polls(source.code, series))]


def next_on_grid(now: datetime, polling_interval: int) -> datetime:
    """The next multiple of the cadence in UTC: an hourly beat comes on the full hour."""
    seconds = polling_interval - int(now.timestamp()) % polling_interval
    return now.replace(microsecond=0) + timedelta(seconds=seconds)


def polls(code: str, series: TableSeries) -> Iterator[Schedule]:
    """One cron row an hour that the publication window touches; cron of the queue speaks Europe/Warsaw."""
    if series.hours is None:
        return
    minutes = defaultdict(list)
    first = series.hours.start.hour * 60 + series.hours.start.minute
    last = series.hours.end.hour * 60 + series.hours.end.minute
    for minute in range(first, last + 1, POLL_MINUTES):
        minutes[minute // 60].append(str(minute % 60))
    for hour, marks in minutes.items():
        entry = Schedule(
            name=f"{code}.{series.table}.window.{hour}",
            func="miner.tasks.poll",
            args=repr((code, series.table)),
            schedule_type=Schedule.CRON,
            cron=f"{','.join(marks)} {hour} * * {series.hours.weekdays}",
            cluster=settings.MINER_QUEUE,
            repeats=-1,
        )
        entry.next_run = entry.calculate_next_run(clock.now())
        yield entry
