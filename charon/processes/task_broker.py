"""The database broker of the task queue, with a limit on deliveries."""

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ, Task
from django_q.signing import SignedPackage
from django_q.utils import get_func_repr

from charon.processes import queue_heartbeat
from charon.processes.task_names import renamed
from charon.processes.timekeeping import ClockWatch
from markets import clock
from miner import slices  # the back-fill brings the tasks that work in slices

logger = logging.getLogger(__name__)

MAX_DELIVERIES = 3
# Rows that are looked through for a short task. A long one that has been due for so long is not passed over any more.
LOOKAHEAD, LONGEST_PASSED_OVER = 100, timedelta(minutes=2)
# Before the next try to ask a database that is away.
AWAY_SECONDS = 5.0
DIED = f"No result came back of {MAX_DELIVERIES} tries: its worker or the queue died. Not tried again."
UNREADABLE = "It was written with another SECRET_KEY, or cannot be read; not tried."


clock_watch = ClockWatch()


class GuardedORM(ORM):  # type: ignore[misc]  # django-q2 has no types
    """The ORM broker of django-q2 with a count of deliveries.

    django-q2 counts an attempt when a result is saved, so that a task that kills its worker would be delivered for
    ever. This broker counts deliveries in the microseconds of the row's `lock`, a time of which django-q2 needs only
    the seconds. A new row has 0, each delivery adds one, and a row that was delivered three times without a result
    becomes a failed Task.
    """

    def enqueue(self, task: Any) -> int:
        key = self.list_key or Conf.CLUSTER_NAME
        return int(OrmQ.objects.create(key=key, payload=task, lock=clock.now().replace(microsecond=0)).pk)

    def timeout(self, task: OrmQ) -> datetime:
        locked = clock.now() + timedelta(seconds=Conf.RETRY)
        return locked.replace(microsecond=task.lock.microsecond + 1)

    def dequeue(self) -> list[tuple[int, str]] | None:
        """One row of those that are due; None after a pause if none is due, or the database cannot be asked.

        django-q2 would end the process that asks, and each new one would tell the whole traceback: 50 MB a day.
        """
        try:
            if clock_watch.is_due():
                clock_watch.look()
            return self.taken()
        except DatabaseError:
            logger.exception("No tasks while the database cannot be asked")
            connection.close()
            time.sleep(AWAY_SECONDS)
            return None

    def acknowledge(self, task_id: int) -> None:
        """One whose result could not be recorded is delivered again; tasks are idempotent."""
        try:
            super().acknowledge(task_id)
        except DatabaseError:
            logger.exception("A task cannot be taken off the queue")
            connection.close()
        queue_heartbeat.sign(self.list_key or Conf.CLUSTER_NAME)

    def taken(self) -> list[tuple[int, str]] | None:
        while row := self.next_due():
            if row.lock.microsecond >= MAX_DELIVERIES:
                give_up(row, DIED)
            elif OrmQ.objects.filter(pk=row.pk, lock=row.lock).update(lock=self.timeout(row)):
                return [(row.pk, renamed(row.payload))]
        time.sleep(Conf.POLL)
        return None

    def next_due(self) -> OrmQ | None:
        """The short task that has been due longest; a long one when there is none, or when it has waited too long.

        Of long ones first what goes on with its job: every decision waits for the archive, whose slices waited for two
        sources that did not answer.
        """
        now, long = clock.now(), None
        for row in self.get_connection().filter(key=self.list_key, lock__lt=now).order_by("lock", "pk")[:LOOKAHEAD]:
            if now - row.lock > LONGEST_PASSED_OVER or not slices.is_long(row):
                return row
            if long is None or (slices.goes_on(row) and not slices.goes_on(long)):
                long = row
        return long

    def fail(self, task_id: int) -> None:
        """Record an unreadable task as failed. django-q2's own broker would delete it without a trace."""
        if row := OrmQ.objects.filter(pk=task_id).first():
            give_up(row, UNREADABLE)


def give_up(row: OrmQ, why: str) -> None:
    """Delete the row and record the task as failed, unless another process was faster or the task succeeded."""
    task = read(row)
    with transaction.atomic():
        mine, _ = OrmQ.objects.filter(pk=row.pk, lock=row.lock).delete()
        if not mine or Task.objects.filter(pk=task["id"], success=True).exists():
            return
        Task.objects.update_or_create(
            id=task["id"],
            defaults={
                "name": task["name"],
                "func": get_func_repr(task["func"]),
                "args": task.get("args"),
                "kwargs": task.get("kwargs"),
                "group": task.get("group"),
                "cluster": row.key,
                "started": task.get("started", row.lock),
                "stopped": clock.now(),
                "success": False,
                "attempt_count": row.lock.microsecond,
                "result": why,
            },
        )


def read(row: OrmQ) -> dict[str, Any]:
    try:
        return dict(SignedPackage.loads(row.payload))
    except Exception as error:  # unpickling runs code: whatever it raises, the row has to go
        return {"id": f"{row.pk:032d}", "name": f"unreadable-{row.pk}", "func": type(error).__name__}


def discount_interrupted(queues: Iterable[str]) -> None:
    """Take back one delivery of each running task: the operator stopped Charon, the task did not kill its worker."""
    for row in OrmQ.objects.filter(key__in=list(queues), lock__gt=clock.now()).only("lock"):
        if row.lock.microsecond:
            earlier = row.lock.replace(microsecond=row.lock.microsecond - 1)
            OrmQ.objects.filter(pk=row.pk, lock=row.lock).update(lock=earlier)
