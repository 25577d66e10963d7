"""The queue in the database, with a delivery guard."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ, Task
from django_q.signing import SignedPackage
from django_q.utils import get_func_repr

from charon.processes.task_names import renamed
from markets import clock

MAX_DELIVERIES = 3
DIED = f"Its worker died {MAX_DELIVERIES} times; not tried again."
UNREADABLE = "It was written with another SECRET_KEY, or cannot be read; not tried."


class GuardedORM(ORM):  # type: ignore[misc]  # django-q2 has no types
    """django-q2 counts an attempt when a result is saved, so a task that kills its worker would come back for ever.

    The guard counts deliveries instead, in the microseconds of the row's lock (the queue reads it as a time, for which
    a millionth of a second means nothing): fresh rows hold 0, each delivery adds one, and a row that was delivered
    three times without a result becomes a failed Task.
    """

    def enqueue(self, task: Any) -> int:
        key = self.list_key or Conf.CLUSTER_NAME
        return int(OrmQ.objects.create(key=key, payload=task, lock=clock.now().replace(microsecond=0)).pk)

    def timeout(self, task: OrmQ) -> datetime:
        locked = clock.now() + timedelta(seconds=Conf.RETRY)
        return locked.replace(microsecond=task.lock.microsecond + 1)

    def dequeue(self) -> list[tuple[int, str]] | None:
        """The row that has been due longest; None after a pause when there is none."""
        due = self.get_connection().filter(key=self.list_key, lock__lt=clock.now()).order_by("lock", "pk")
        while row := due.first():
            if row.lock.microsecond >= MAX_DELIVERIES:
                give_up(row, DIED)
            elif OrmQ.objects.filter(pk=row.pk, lock=row.lock).update(lock=self.timeout(row)):
                return [(row.pk, renamed(row.payload))]
        time.sleep(Conf.POLL)
        return None

    def fail(self, task_id: int) -> None:
        """The stock broker only deletes what it cannot read; nobody would learn of it."""
        if row := OrmQ.objects.filter(pk=task_id).first():
            give_up(row, UNREADABLE)


def give_up(row: OrmQ, why: str) -> None:
    """Take the task off the queue and record it as failed, unless another process was faster or it did succeed."""
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
    """Whoever was at work when the operator stopped Charon did not kill its worker: that delivery does not count."""
    for row in OrmQ.objects.filter(key__in=list(queues), lock__gt=clock.now()).only("lock"):
        if row.lock.microsecond:
            earlier = row.lock.replace(microsecond=row.lock.microsecond - 1)
            OrmQ.objects.filter(pk=row.pk, lock=row.lock).update(lock=earlier)
