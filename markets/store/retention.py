"""Retention: rolls old prices up to hours and days and deletes them; never deletes rates.

Deletes ticks, five-minute candles and jobs; candles of an hour and of a day stay. It works by source and by day. One
transaction writes the roll-ups of a day and deletes its rows, so that a kill at any time loses nothing and the next run
continues.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Exists, Max, Min, OuterRef, Q

from markets import clock
from markets.models import CallerCount, Candle, Gap, IdempotentAnswer, Job, OutboxEvent, Revision, Source, Tick
from markets.store import idempotent_answers, listings, rollups
from markets.store.gaps import CANDLES
from markets.store.stored_candles import REPLACE, TABLE
from markets.timeframes import SECONDS, start_of

BATCH = 5_000
JOB_BATCH = 500
# Processed rows of the outbox: hundreds an hour where prices and candles come.
KEPT_EVENTS = timedelta(days=7)
KEPT_ADDRESSES = timedelta(days=1)
SHORT_LIVED = "5m"
DAY = timedelta(days=1)
# A candle that the source published stays, and so does a roll-up of more pieces. An hour's pieces are gone by the next
# run, so that as many others are no better; a day is made of its stored hours again.
OF_MORE = f"{REPLACE} WHERE {TABLE}.pieces < excluded.pieces"
OF_AS_MANY = f"{REPLACE} WHERE {TABLE}.pieces <= excluded.pieces"


@dataclass(slots=True)
class Pruned:
    """The numbers of deleted rows and written roll-ups, and whether everything was done in time."""

    ticks: int = 0
    candles: int = 0
    jobs: int = 0
    rolled_up: int = 0
    finished: bool = True


def prune(days: int, seconds: float = 30) -> Pruned:
    """Delete rows older than so many whole days (UTC); no further day is begun after `seconds`."""
    outcome, end = Pruned(), time.monotonic() + seconds
    before = start_of(clock.now() - timedelta(days=days), SECONDS["1d"])
    for source in Source.objects.order_by("code"):
        for day in old_days(source, before):
            if time.monotonic() > end:
                outcome.finished = False
                return outcome
            with transaction.atomic():
                listings.lock(source)
                prune_day(source, day, outcome)
    outcome.jobs = prune_jobs(before)
    delete(OutboxEvent.objects.filter(processed__lt=max(before, clock.now() - KEPT_EVENTS)))
    delete(Gap.objects.filter(table=f"{CANDLES}{SHORT_LIVED}", to_time__lt=before))
    prune_callers()
    return outcome


def prune_callers() -> None:
    """Addresses of callers and of failed logins, which the next ones would delete: they are personal data. And what was
    answered to keys that nobody sends again, and sessions that are over.
    """
    now = clock.now()
    delete(CallerCount.objects.filter(until__lt=int(now.timestamp())))
    delete(AccessAttempt.objects.filter(attempt_time__lt=now - KEPT_ADDRESSES))
    delete(IdempotentAnswer.objects.filter(begun_at__lt=now - idempotent_answers.KEPT))
    delete(Session.objects.filter(expire_date__lt=now))


def old_days(source: Source, before: datetime) -> Iterator[datetime]:
    """Each day that still has rows to delete, the oldest first."""
    while True:
        oldest = [
            Tick.objects.filter(source=source, observed_at__lt=before).aggregate(first=Min("observed_at"))["first"],
            five_minutes(source).filter(open_time__lt=before).aggregate(first=Min("open_time"))["first"],
        ]
        found = [moment for moment in oldest if moment is not None]
        if not found:
            return
        yield start_of(min(found), SECONDS["1d"])


def five_minutes(source: Source) -> models.QuerySet[Candle]:
    return Candle.objects.filter(source=source, timeframe=SHORT_LIVED)


def prune_day(source: Source, day: datetime, outcome: Pruned) -> None:
    ticks = Tick.objects.filter(source=source, observed_at__gte=day, observed_at__lt=day + DAY)
    candles = five_minutes(source).filter(open_time__gte=day, open_time__lt=day + DAY)
    hours = [
        *rollups.roll_up(rollups.of_ticks(ticks, source), "1h"),
        *rollups.roll_up(rollups.of_candles(candles), "1h"),
    ]
    outcome.rolled_up += rollups.write(hours, "1h", source, OF_MORE)
    instruments = {piece.instrument for piece in hours}
    of_the_day = Candle.objects.filter(
        source=source, timeframe="1h", instrument__in=instruments, open_time__gte=day, open_time__lt=day + DAY
    )
    outcome.rolled_up += rollups.write(rollups.roll_up(rollups.of_candles(of_the_day), "1d"), "1d", source, OF_AS_MANY)
    outcome.ticks += delete(ticks)
    outcome.candles += delete(candles)


def delete(rows: models.QuerySet[Any], batch: int = BATCH) -> int:
    """Delete in statements of a few thousand rows, none of which locks the database for long."""
    deleted = 0
    while True:
        count: int = rows.model._default_manager.filter(pk__in=rows.order_by("pk").values("pk")[:batch]).delete()[0]
        deleted += count
        if not count:
            return deleted


def prune_jobs(before: datetime) -> int:
    """Delete ended jobs.

    Jobs stay that revised a rate, that have open outbox rows, or that are the newest of their type and status: those
    tell when a source last answered and what failed last.
    """
    kinds = Job.objects.order_by().values("job_type", "status").annotate(last=Max("pk"))
    jobs = Job.objects.filter(
        ~Q(pk__in=kinds.values("last")),
        ~Exists(Revision.objects.filter(job=OuterRef("pk"))),
        ~Exists(OutboxEvent.objects.filter(job=OuterRef("pk"), processed=None, consumer="engine")),
        finished_at__lt=before,
    )
    deleted = 0
    while True:
        batch = list(jobs.order_by("pk").values_list("pk", flat=True)[:JOB_BATCH])
        if not batch:
            return deleted
        Job.objects.filter(pk__in=batch).delete()
        deleted += len(batch)
