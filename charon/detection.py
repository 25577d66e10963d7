"""The detector: everything that is wrong with the installation, from the tables, the disk and Redis.

`found` only reads; `/health` asks it, so that it tells the truth also while no task runs. The task `run` keeps the
register: it opens what is found and closes what is gone.
"""

import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min
from django_q.models import Schedule

from charon.upkeep import backup_file
from markets import clock, problems
from markets.messages import Message
from markets.models import Job, OutboxEvent
from markets.problems import Fault
from markets.queries.source_state import SourceState
from markets.redis import client as redis_client
from miner import faults, source_states
from signals import claims
from signals.alerts.deliver.models import Delivery

NAME, TASK = "problems", "charon.detection.run"
# The first start writes 200 MB; a database that is full stops every writer.
LOW_DISK = 256 * 1024 * 1024
FULL_DISK = 1024 * 1024
# The queue looks at its timetable every half minute.
OVERDUE = timedelta(minutes=10)
# As `signals.alerts.heartbeat` tells a watchman outside.
LATE_DELIVERY = timedelta(minutes=5)
# An operator who makes backups at all makes them more often.
OLD_BACKUP = timedelta(days=7)
# The kinds that `found` looks for; the others are closed by those who report them.
KINDS = (
    "source_failed", "source_stale", "gap", "job_failed", "job_lost", "work_given_up", "fill_given_up", "times_ahead",
    "queue",
    "figures_refused",
    "outbox", "redis", "disk", "delivery_late", "schedules", "no_key", "backup",
)  # fmt: skip


def found(now: datetime, states: list[SourceState] | None = None) -> list[Fault]:
    """What is wrong now; some seventeen small queries."""
    states = source_states.states(now) if states is None else states
    return [
        *faults.found(now, states),
        *key_faults(states),
        *schedule_faults(now),
        *outbox_faults(),
        *delivery_faults(now),
        *redis_faults(),
        *disk_faults(),
        *backup_faults(now),
    ]


def key_faults(states: Iterable[SourceState]) -> Iterator[Fault]:
    """Of sources that have answered before: one that nobody has ever given a key is off, and no fault."""
    wanting = {one.source.pk: one.source.code for one in states if one.why == "no_key" and one.source.enabled}
    answered = Job.objects.filter(source__in=wanting, status=Job.Status.SUCCESS) if wanting else Job.objects.none()
    for key in sorted(set(answered.order_by().values_list("source", flat=True))):
        code = wanting[key]
        yield Fault("no_key", code, Message("key_missing", variable=f"{code.upper()}_API_KEY"))


def schedule_faults(now: datetime) -> Iterator[Fault]:
    """A timetable that nobody works off leaves no task behind that could be missed."""
    late = Schedule.objects.exclude(repeats=0).filter(next_run__lt=now - OVERDUE)
    found = late.aggregate(count=Count("pk"), oldest=Min("next_run"))
    if found["count"]:
        yield Fault("schedules", "overdue", Message("entries_overdue", **found))


def outbox_faults() -> Iterator[Fault]:
    """News that no pass takes any more."""
    stuck = OutboxEvent.objects.filter(processed=None, tries__gte=claims.MAX_TRIES).order_by()
    for consumer, count, first in stuck.values_list("consumer").annotate(count=Count("pk"), first=Min("from_time")):
        yield Fault("outbox", consumer, Message("stuck_since", count=count, first=first.date()))


def delivery_faults(now: datetime) -> Iterator[Fault]:
    late = Delivery.objects.filter(state__in=Delivery.OPEN, due_at__lt=now - LATE_DELIVERY)
    found = late.aggregate(count=Count("pk"), oldest=Min("due_at"))
    if found["count"]:
        yield Fault("delivery_late", "", Message("deliveries_due", **found))


def redis_faults() -> Iterator[Fault]:
    if redis_client.state() == "unreachable":
        yield Fault("redis")


def disk_faults() -> Iterator[Fault]:
    free = free_bytes()
    if free is not None and free < LOW_DISK:
        yield Fault("disk", "", Message("free_space", megabytes=free // 1024**2))


def backup_faults(now: datetime) -> Iterator[Fault]:
    """Whether the newest has become old. An installation without any may be backed up from outside."""
    newest = backup_file.newest()
    if newest is not None and now - newest > OLD_BACKUP:
        yield Fault("backup", "", Message("backup_of", moment=newest))


def free_bytes() -> int | None:
    """On the disk of the data; None where it cannot be asked."""
    try:
        return shutil.disk_usage(settings.DATA_DIR).free
    except OSError:
        return None


def is_disk_full() -> bool:
    """Whether not even the database can use it: SQLite needs room beside its file for every reader."""
    free = free_bytes()
    return free is not None and free < FULL_DISK


def run() -> None:
    """The task: the register says what is found now. An installation without a fault writes nothing."""
    now: dict[str, dict[str, Message | None]] = {kind: {} for kind in KINDS}
    for fault in found(clock.now()):
        now[fault.kind].setdefault(fault.subject, fault.detail)
    known = set(problems.current().values_list("kind", flat=True))
    for kind, subjects in now.items():
        if subjects or kind in known:
            problems.settle(kind, subjects)


def write_schedule() -> None:
    """Once a minute, on whichever queue the miner has."""
    entry = {"func": TASK, "schedule_type": Schedule.MINUTES, "minutes": 1, "cluster": settings.MINER_QUEUE}
    more = {"repeats": -1, "kwargs": repr({"q_options": {"save": False}})}
    Schedule.objects.update_or_create(
        name=NAME, defaults=entry | more, create_defaults=entry | more | {"next_run": clock.now()}
    )
