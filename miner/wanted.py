"""Publications that an answer wanted: what only an archive has is asked for at its official source, a table of a day at
a time. A dotted name here stands in the queue: keep the names.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import date

from django.conf import settings
from django.db import DatabaseError
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from markets import clock
from markets.errors import log_cause
from markets.models import Gap, Job, Publication, Source
from markets.store.brief_write import brief_write
from markets.store.outbox import midnight
from miner import sources
from miner.collect import one_table
from miner.providers import PROVIDERS

logger = logging.getLogger(__name__)

TASK = "miner.wanted.fetch"
# An answer of 500 lines may want 500 tables: the rest is asked for when it is wanted again.
MOST_WAITING = 36
# Another run of the table has the lease: the task goes to the end of the queue, so often.
TRIES = 5

Place = tuple[str, date]


def enqueue(source: str, wanted: Iterable[Place]) -> int:
    """A task for each table and day that may be asked for now and does not wait already; how many.

    It is a write beside an answer: where the database is busy it is left out, and the next question asks again.
    """
    row = sources.available(source)
    if row is None:
        return 0
    try:
        waiting = set(places_waiting(source))
        new = [place for place in dict.fromkeys(wanted) if place not in waiting and may_ask(row, *place)]
        new = new[: max(0, MOST_WAITING - len(waiting))]
        with brief_write():
            for place in new:
                put(source, *place)
    except DatabaseError as error:
        logger.warning("%s tables are not asked for: %s", source, type(error).__name__, extra=log_cause(error))
        return 0
    return len(new)


def places_waiting(source: str) -> Iterator[Place]:
    for row in OrmQ.objects.filter(key=settings.MINER_QUEUE):
        try:
            task = SignedPackage.loads(row.payload)
        except Exception:  # another key, rubbish: the broker closes it
            logger.debug("Queue row %s cannot be read", row.pk)
            continue
        if task["func"] == TASK and task["args"][0] == source:
            yield task["args"][1:3]


def may_ask(source: Source, table: str, day: date) -> bool:
    """Whether the source ever published it, and no try of it has failed lately."""
    series = next((one for one in PROVIDERS[source.code].series if one.table == table), None)
    if series is None or day < series.first:
        return False
    there = midnight(day)
    rested = Gap.objects.filter(source=source, table=table, instrument=None, next_try__gt=clock.now())
    return not rested.filter(from_time__lte=there, to_time__gte=there).exists()


def put(source: str, table: str, day: date, tries: int = TRIES) -> None:
    async_task(TASK, source, table, day, tries, cluster=settings.MINER_QUEUE, group=f"{source}.wanted")


def fetch(source: str, table: str, day: date, tries: int = 0) -> str:
    """Bring the table of that day, unless it is here by now."""
    row = sources.available(source)
    if row is None:
        return "off"
    if Publication.objects.filter(source=row, table=table, effective_date=day).exists():
        return "in"
    run = one_table.run_of_task(row, Job.Trigger.SCHEDULE)
    run.span = day, day
    series = next(one for one in run.provider.series if one.table == table)
    status = one_table.mine_one(run, series)
    if status == "busy" and tries > 0:
        put(source, table, day, tries - 1)
    return status
