"""The queue in the database, with a delivery guard."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ, Task
from django_q.signing import SignedPackage

from markets import clock

MAX_DELIVERIES = 3


class GuardedORM(ORM):  # type: ignore[misc]  # django-q2 has no types
    """django-q2 counts an attempt when a result is saved, so a task that kills its worker would come back for ever.

    The guard counts deliveries instead, in the microseconds of the row's lock (the queue reads it as a time, for which
    a millionth of a second means nothing): fresh rows hold 0, each delivery adds one, and a row that was delivered
    three times without a result becomes a failed Task.
    """

    def enqueue(self, task: Any) -> int:
        package = OrmQ.objects.create(
            key=self.list_key or Conf.CLUSTER_NAME, payload=task, lock=timezone.now().replace(microsecond=0)
        )
        return int(package.pk)

    def timeout(self, task: OrmQ) -> datetime:
        locked = clock.now() + timedelta(seconds=Conf.RETRY)
        return locked.replace(microsecond=task.lock.microsecond + 1)

    def dequeue(self) -> Any:
        """One look at the queue: spent rows are closed first, then the stock broker takes what is due."""
        spent = self.get_connection().filter(key=self.list_key, lock__lt=clock.now())
        for row in spent[: Conf.BULK]:
            if row.lock.microsecond >= MAX_DELIVERIES:
                self.give_up(row)
        return super().dequeue()

    def give_up(self, row: OrmQ) -> None:
        """Record the task as failed and take it off the queue."""
        try:
            task = SignedPackage.loads(row.payload)
        except Exception as error:  # a payload nobody can read has no other end than this record
            task = {"id": f"{row.pk:032d}", "name": f"unreadable-{row.pk}", "func": type(error).__name__}
        Task.objects.update_or_create(
            id=task["id"],
            defaults={
                "name": task["name"],
                "func": task["func"],
                "args": task.get("args"),
                "kwargs": task.get("kwargs"),
                "started": task.get("started", row.lock),
                "stopped": clock.now(),
                "success": False,
                "attempt_count": MAX_DELIVERIES,
                "result": f"Its worker died {MAX_DELIVERIES} times; not tried again.",
            },
        )
        self.delete(row.pk)
