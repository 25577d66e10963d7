"""Slices of long work: a long task ends early while short work waits, so that a first load never delays live prices.

The queue has two workers. Back-fills, tables and the nightly cleaning work in slices of up to 40 s; two of them side by
side would hold a poll of 30 s back by more than a minute. The broker hands out short tasks first
(`charon.processes.task_broker`), and a slice that has had its least time ends as soon as short work waits.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from markets import clock

# The dotted names of the tasks that work in slices, as they stand in the queue.
LONG: set[str] = set()
Task = TypeVar("Task", bound=Callable[..., Any])

# In seconds of the monotonic clock: the least time of a slice, and how often it looks whether short work waits.
LEAST, LOOK_EVERY = 5.0, 1.0
# A free worker takes a task within `poll` (1 s): what is due for longer than this waits for a worker.
WAITING = timedelta(seconds=2)
# A task is killed after 60 s and may have been fetched while another one ran: after this time its worker is dead.
LONGEST_WORK = timedelta(seconds=130)


def in_slices(task: Task) -> Task:
    """Marks a task that works in slices; the broker loads every module that has one."""
    LONG.add(f"{task.__module__}.{task.__name__}")
    return task


class Slice:
    """The time of one task, from now on; a command has no end (`seconds` infinite) and gives way to nothing."""

    def __init__(self, seconds: float = float("inf")) -> None:
        self.deadline = time.monotonic() + seconds
        self.next_look = time.monotonic() + LEAST if seconds < float("inf") else seconds

    def is_over(self) -> bool:
        now = time.monotonic()
        if now >= self.deadline:
            return True
        if now < self.next_look:
            return False
        self.next_look = now + LOOK_EVERY
        return short_work_waits()


def is_long(row: OrmQ) -> bool:
    """Whether the task of this row works in slices; one that cannot be read is short: it fails at once."""
    try:
        return SignedPackage.loads(row.payload)["func"] in LONG
    except Exception:  # another key, rubbish: the broker closes it
        return False


def goes_on(row: OrmQ) -> bool:
    """Whether a long task goes on with a job that it has begun: its continuation is given the job."""
    return not {"resume", "job"}.isdisjoint(SignedPackage.loads(row.payload)["kwargs"])


def short_work_waits() -> bool:
    """Whether a short task of this queue is due, or was handed out and has not ended: it may wait behind a slice."""
    now = clock.now()
    handed_out = timedelta(seconds=Conf.RETRY)
    for row in OrmQ.objects.filter(key=settings.MINER_QUEUE):
        since = row.lock - handed_out if row.lock.microsecond and row.lock > now else row.lock
        if WAITING <= now - since <= LONGEST_WORK and not is_long(row):
            return True
    return False
