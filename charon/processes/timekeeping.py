"""What a clock that went wrong leaves behind: locks, leases and times of next runs that lie too far ahead.

Whoever reads a lease holds one beyond its own length for void. The queue's own tables are read by django-q2, which
knows no such law: here they are put right, at the start, when the clock is seen to jump, and every minute, since the
clock of another machine may be the wrong one.
"""

import logging
import time
from datetime import UTC, datetime, timedelta

from django.db import models, transaction
from django.db.models import F, Q
from django_q.models import OrmQ, Schedule

from markets import clock, problems
from markets.clock import SKEW
from markets.jobs import job_leases
from markets.messages import Message
from markets.models import Gap, Source
from markets.store import gaps
from miner import times_ahead
from miner.fetch.cooldown import LONGEST_PAUSE
from miner.models import Poll, Spent, SyncStatus

logger = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
DAY = timedelta(days=1)


class ClockWatch:
    """Compares the clock with one that nobody sets, which also counts while the machine sleeps."""

    def __init__(self) -> None:
        self.looked = float("-inf")
        self.offset: float | None = None

    def is_due(self) -> bool:
        """Once a minute, and at once when the clock has jumped."""
        return abs(self.moved()) > SKEW.total_seconds() or time.monotonic() - self.looked >= LOOK_SECONDS

    def look(self) -> None:
        moved, self.looked = timedelta(seconds=self.moved()), time.monotonic()
        self.offset = offset()
        check(moved if abs(moved) > SKEW else timedelta())

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
    seconds = f"{moved.total_seconds():+.0f}"
    words = Message("clock_moved", seconds=seconds, count=count) if moved else Message("clock_wrong", count=count)
    logger.warning("Times lay too far ahead: %s", words)
    problems.settle("clock", {"": words})
    return count


def put_right(moved: timedelta = timedelta()) -> int:
    """Every time that lies further ahead than it can have been set; answers how many. `moved`: a jump that was seen."""
    now = clock.now()
    leases = times_ahead.leases(now).update(until=None, holder="")
    jobs = job_leases.reap_void()
    return tasks(now) + schedules(now) + waits(now, moved) + days_to_come() + memories(now + SKEW) + leases + jobs


def tasks(now: datetime) -> int:
    """The microseconds of a task's lock count its deliveries."""
    return sum(
        OrmQ.objects.filter(pk=row.pk, lock=row.lock).update(lock=now.replace(microsecond=row.lock.microsecond))
        for row in times_ahead.tasks(now).only("lock")
    )


def schedules(now: datetime) -> int:
    return sum(
        Schedule.objects.filter(pk=entry.pk).update(next_run=latest) for entry, latest in times_ahead.entries(now)
    )


def waits(now: datetime, moved: timedelta) -> int:
    """Pauses of sources and gaps: beyond their longest they are void, and those before a jump back move with it."""
    count = cut(Spent.objects.all(), "blocked_until", now + LONGEST_PAUSE)
    count += cut(Gap.objects.all(), "next_try", now + gaps.LONGEST_RETRY + SKEW)
    if moved < timedelta():
        count += Spent.objects.filter(blocked_until__gt=now).update(blocked_until=F("blocked_until") + moved)
        count += Gap.objects.filter(next_try__gt=now).update(next_try=F("next_try") + moved)
    return count


def days_to_come() -> int:
    """Nothing is missing of a day that has not begun: it was asked for while the clock was ahead."""
    tomorrow = datetime.combine(clock.today(), datetime.min.time(), UTC) + DAY
    deleted, _ = Gap.objects.filter(from_time__gte=tomorrow).delete()
    return deleted + Gap.objects.filter(from_time__lt=tomorrow - DAY, to_time__gte=tomorrow).update(
        to_time=tomorrow - DAY
    )


def memories(latest: datetime) -> int:
    """When something was last asked or done: in the future it would keep that from being done again."""
    return (
        cut(Poll.objects.all(), "asked_at", latest)
        + cut(Poll.objects.all(), "done_at", latest)
        + cut(SyncStatus.objects.all(), "last_attempt_at", latest)
        + cut(SyncStatus.objects.all(), "last_success_at", latest)
        + cut(SyncStatus.objects.all(), "past_asked_at", latest)
        + cut(Source.objects.all(), "listed_at", latest)
        + cut(Spent.objects.all(), "allowed_at", latest)
    )


def cut(rows: models.QuerySet[models.Model], field: str, latest: datetime) -> int:
    return rows.filter(Q((f"{field}__gt", latest))).update(**{field: None})
