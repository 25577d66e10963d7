"""What a clock that went wrong leaves behind: locks, leases and times of next runs that lie too far ahead.

Whoever reads a lease holds one beyond its own length for void. The queue's own tables are read by django-q2, which
knows no such law: here they are put right, at the start, when the clock is seen to jump, and every minute, since the
clock of another machine may be the wrong one.
"""

import logging
import time
from datetime import datetime, timedelta

from croniter import croniter  # type: ignore[import-untyped]
from django.db import models, transaction
from django.db.models import F, Q
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule

from markets import clock, problems
from markets.jobs import job_leases
from markets.models import Gap, Source
from markets.store.gaps import LONGEST_WAIT
from miner.fetch.http import LONGEST_RETRY_AFTER
from miner.models import Poll, Spent, SyncStatus

logger = logging.getLogger(__name__)

# Clocks of several machines differ by less, and a slow transaction writes what it read a while ago.
MARGIN = timedelta(seconds=60)
LOOK_SECONDS = 60.0


class ClockWatch:
    """Compares the clock with one that nobody sets, which also counts while the machine sleeps."""

    def __init__(self) -> None:
        self.looked = float("-inf")
        self.offset: float | None = None

    def is_due(self) -> bool:
        """Once a minute, and at once when the clock has jumped."""
        return abs(self.moved()) > MARGIN.total_seconds() or time.monotonic() - self.looked >= LOOK_SECONDS

    def look(self) -> None:
        moved, self.looked = timedelta(seconds=self.moved()), time.monotonic()
        self.offset = offset()
        check(moved if abs(moved) > MARGIN else timedelta())

    def moved(self) -> float:
        return 0.0 if self.offset is None else offset() - self.offset


def offset() -> float:
    """How far the clock is ahead of the one that nobody sets, in seconds."""
    return clock.now().timestamp() - time.clock_gettime(time.CLOCK_BOOTTIME)


def check(moved: timedelta = timedelta()) -> int:
    """Put right what lies too far ahead, and tell of it; the next check that finds nothing closes the problem."""
    with transaction.atomic():
        count = put_right(moved)
    if not moved and not count:
        problems.settle("clock", {})
        return 0
    words = f"the clock was moved by {moved.total_seconds():+.0f} s" if moved else "a clock was wrong"
    logger.warning("%s; %d times that lay too far ahead are put right", words, count)
    problems.settle("clock", {"": f"{words}; {count} rows were put right"})
    return count


def put_right(moved: timedelta = timedelta()) -> int:
    """Every time that lies further ahead than it can have been set; answers how many. `moved`: a jump that was seen."""
    now = clock.now()
    return tasks(now) + schedules(now) + waits(now, moved) + memories(now + MARGIN) + job_leases.reap_void()


def tasks(now: datetime) -> int:
    """A task is due at once or when its delivery is over; the microseconds of its lock count its deliveries."""
    ahead = OrmQ.objects.filter(lock__gt=now + timedelta(seconds=Conf.RETRY) + MARGIN).only("lock")
    return sum(
        OrmQ.objects.filter(pk=row.pk, lock=row.lock).update(lock=now.replace(microsecond=row.lock.microsecond))
        for row in ahead
    )


def schedules(now: datetime) -> int:
    count = 0
    for entry in Schedule.objects.exclude(schedule_type=Schedule.ONCE).filter(next_run__gt=now + MARGIN):
        if entry.next_run > (latest := next_run(entry, now)) + MARGIN:
            count += Schedule.objects.filter(pk=entry.pk).update(next_run=latest)
    return count


def next_run(entry: Schedule, now: datetime) -> datetime:
    """The latest moment for which it can have been planned by a clock that is right."""
    if entry.schedule_type == Schedule.CRON:
        moment: datetime = croniter(entry.cron, now.astimezone(clock.WARSAW)).get_next(datetime)
        return moment
    planned: datetime = entry.calculate_next_run(now)
    return planned


def waits(now: datetime, moved: timedelta) -> int:
    """Pauses of sources and gaps: beyond their longest they are void, and those before a jump back move with it."""
    longest = timedelta(seconds=LONGEST_RETRY_AFTER)
    count = cut(Spent.objects.all(), "blocked_until", now + longest + MARGIN)
    count += cut(Gap.objects.all(), "next_try", now + LONGEST_WAIT + MARGIN)
    if moved < timedelta():
        count += Spent.objects.filter(blocked_until__gt=now).update(blocked_until=F("blocked_until") + moved)
        count += Gap.objects.filter(next_try__gt=now).update(next_try=F("next_try") + moved)
    return count


def memories(latest: datetime) -> int:
    """When something was last asked or done: in the future it would keep that from being done again."""
    return (
        cut(Poll.objects.all(), "asked_at", latest)
        + cut(Poll.objects.all(), "done_at", latest)
        + cut(SyncStatus.objects.all(), "last_attempt_at", latest)
        + cut(SyncStatus.objects.all(), "past_asked_at", latest)
        + cut(Source.objects.all(), "listed_at", latest)
        + cut(Spent.objects.all(), "allowed_at", latest)
    )


def cut(rows: models.QuerySet[models.Model], field: str, latest: datetime) -> int:
    return rows.filter(Q((f"{field}__gt", latest))).update(**{field: None})
