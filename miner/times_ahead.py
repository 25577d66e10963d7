"""Times that lie further ahead than a clock that is right can have set them: what is told of, and what is put right."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule

from markets import clock
from markets.clock import SKEW
from miner.models import Lease

# The longest lease of `miner.pulse.leases` is 70 s; another release may have longer ones.
LONGEST_LEASE = timedelta(minutes=10)


def tasks(now: datetime) -> QuerySet[OrmQ]:
    """A task is due at once or when its delivery is over."""
    rows: QuerySet[OrmQ] = OrmQ.objects.filter(lock__gt=now + timedelta(seconds=Conf.RETRY) + SKEW)
    return rows


def entries(now: datetime) -> list[tuple[Schedule, datetime]]:
    """Entries of the timetable, each with the latest moment for which it can have been planned."""
    later = Schedule.objects.exclude(schedule_type=Schedule.ONCE).filter(next_run__gt=now + SKEW)
    planned = [(entry, next_run(entry, now)) for entry in later]
    return [(entry, latest) for entry, latest in planned if entry.next_run > latest + SKEW]


def next_run(entry: Schedule, now: datetime) -> datetime:
    if entry.schedule_type == Schedule.CRON:
        return clock.next_of(entry.cron, now)
    planned: datetime = entry.calculate_next_run(now)
    return planned


def leases(now: datetime) -> QuerySet[Lease]:
    return Lease.objects.filter(until__gt=now + LONGEST_LEASE + SKEW)
