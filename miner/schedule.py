"""The timetable of the miner: `Source.polling_interval` owns the interval, publication hours add their own.

What comes more often than once a minute is pulse's (`miner.pulse.polls`): the queue looks here every half minute.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils.module_loading import import_string
from django_q.models import Schedule

from markets import clock
from markets.models import Source
from miner.providers import PROVIDERS
from miner.providers.base import Provider, TableSeries
from miner.pulse import polls, results
from miner.pulse.grid import PollJob

WINDOW_MINUTES = 10
# Away from the hours that the clock skips or repeats, and from every publication.
NIGHT = "40 3 * * *"
# What a source lists changes by days; half an hour after the night's cleaning.
LISTINGS = "10 4 * * *"
# What gave up is asked again within the hour, away from the full hour at which all sources are mined.
RESUME, RESUMES = "25 * * * *", "resume"
# Behind the ECB's publication at 16:00 and whatever else the full hour brings.
COMPARE = "35 * * * *"
# A result every minute would push all others out of the 2,000 that are kept; a failure is kept all the same.
UNSAVED = repr({"q_options": {"save": False}})


def write_all() -> None:
    """Make the timetable what the code says; entries of an earlier release that no code knows any more go."""
    with transaction.atomic():
        sources = list(Source.objects.select_for_update(no_key=True).order_by("pk"))
        entries = [entry for source in sources for entry in timetable(source)]
        put(Schedule.objects.filter(func__startswith="miner."), [*entries, *fixed()])
        for source in sources:
            polls.expect(scheduled_polls(source))


def write(source: Source) -> None:
    """Make the schedules of one source say what its row says."""
    with transaction.atomic():
        Source.objects.select_for_update(no_key=True).get(pk=source.pk)
        put(Schedule.objects.filter(name__regex=rf"^{source.code}(\.|$)"), timetable(source))
        polls.expect(scheduled_polls(source))


def put(there: models.QuerySet[Schedule], entries: list[Schedule]) -> None:
    """Replace these rows by the entries; a row that is right already keeps its next run."""
    wanted = {entry.name: entry for entry in entries}
    with transaction.atomic():
        rows = list(there.order_by("pk"))
        right = {row.name: row.pk for row in rows if row.name in wanted and same(row, wanted[row.name])}
        Schedule.objects.filter(pk__in={row.pk for row in rows} - set(right.values())).delete()
        Schedule.objects.bulk_create([entry for name, entry in wanted.items() if name not in right])


def same(row: Schedule, entry: Schedule) -> bool:
    fields = ("func", "args", "kwargs", "schedule_type", "minutes", "cron", "cluster", "repeats", "intended_date_kwarg")
    return all((getattr(row, field) or None) == (getattr(entry, field) or None) for field in fields)


def fixed() -> list[Schedule]:
    """What is done for all sources together."""
    entries = [
        every(settings.BATCH_INTERVAL_MINUTES, "batch.priority", "miner.tasks.priority_batch"),
        every(settings.BATCH_ENQUEUE_MINUTES, "batch.secondary", "miner.tasks.enqueue_secondary"),
        every(1, "reap", "miner.tasks.reap", kwargs=UNSAVED),
        at(RESUME, RESUMES, "miner.tasks.resume"),
        at(COMPARE, "compare", "miner.tasks.compare_sources"),
        at(LISTINGS, "listings", "miner.tasks.refresh_listings"),
        at(NIGHT, "retention", "miner.tasks.prune"),
    ]
    queue = polls.queue_poll()
    return [*entries, poll_entry(queue)] if queue.is_scheduled else entries


def timetable(source: Source) -> list[Schedule]:
    """Everything that is done for one source at set times, one line for each kind of work."""
    provider = PROVIDERS.get(source.code)
    if provider is None or not source.enabled:
        return []
    return [
        *publications(source, provider),
        *(poll_entry(poll) for poll in scheduled_polls(source)),
    ]


def publications(source: Source, provider: type[Provider]) -> list[Schedule]:
    """The tables of a source: at its interval, and every ten minutes in the hours of publication."""
    if not provider.scheduled or not provider.series:
        return []
    mine = every(ceil(source.polling_interval / 60), source.code, "miner.tasks.mine", source.code)
    return [mine, *(entry for series in provider.series for entry in windows(source.code, series))]


def windows(code: str, series: TableSeries) -> Iterator[Schedule]:
    """One cron row an hour that the publication window touches; cron of the queue speaks Europe/Warsaw."""
    if series.hours is None:
        return
    minutes = defaultdict(list)
    first = series.hours.start.hour * 60 + series.hours.start.minute
    last = series.hours.end.hour * 60 + series.hours.end.minute
    for minute in range(first, last + 1, WINDOW_MINUTES):
        minutes[minute // 60].append(str(minute % 60))
    for hour, marks in minutes.items():
        cron = f"{','.join(marks)} {hour} * * {series.hours.weekdays}"
        yield at(cron, f"{code}.{series.table}.window.{hour}", "miner.tasks.poll", code, series.table)


def scheduled_polls(source: Source) -> list[PollJob]:
    """The polls of a source that pulse does not start."""
    if not source.enabled or source.code not in PROVIDERS:
        return []
    return [poll for poll in polls.polls_of(source) if poll.is_scheduled]


def poll_entry(poll: PollJob) -> Schedule:
    """A poll begins at once when its schedule is new, as pulse's do: its first moment is the last one of its grid."""
    entry = every(poll.every // 60, poll.name, poll.func, *poll.args, intended_date_kwarg=results.PLANNED)
    entry.next_run -= timedelta(seconds=poll.every)
    return entry


def every(minutes: int, name: str, func: str, *args: object, **more: Any) -> Schedule:
    """An entry that runs every so many minutes, on the grid."""
    entry = checked(name, func, args, schedule_type=Schedule.MINUTES, minutes=minutes, **more)
    entry.next_run = next_on_grid(clock.now(), minutes * 60)
    return entry


def at(cron: str, name: str, func: str, *args: object) -> Schedule:
    """An entry that runs at the moments of a cron line, Europe/Warsaw."""
    entry = checked(name, func, args, schedule_type=Schedule.CRON, cron=cron)
    entry.next_run = clock.next_of(cron, clock.now())
    return entry


def checked(name: str, func: str, args: tuple[object, ...], **fields: Any) -> Schedule:
    """An entry that the queue can read and run; raises ValidationError, ValueError or ImportError for any other.

    One that the queue cannot read would stop all others: django-q2 1.11 places all tasks of a pass in one transaction,
    and undoes it on an error.
    """
    stored = repr(args) if args else None
    entry = Schedule(name=name, func=func, args=stored, cluster=settings.MINER_QUEUE, repeats=-1, **fields)
    entry.clean_fields()
    ast.literal_eval(entry.args or "()")
    ast.literal_eval(entry.kwargs or "{}")
    import_string(func)
    return entry


def next_on_grid(now: datetime, polling_interval: int) -> datetime:
    """The next multiple of the interval in UTC: an hourly entry comes on the full hour."""
    seconds = polling_interval - int(now.timestamp()) % polling_interval
    return now.replace(microsecond=0) + timedelta(seconds=seconds)
