"""Counts how the tasks of the queues end and how long they work, in the database.

Not by prometheus_client's files: a worker is forked and replaced whenever it has grown too big, each would leave files
behind, and the clusters may run on several machines, of which Prometheus asks one. The rows are one sum of all of them
and outlive a restart.
"""

import logging
import time
from bisect import bisect_left
from typing import Any

from django.db import Error, connection, transaction
from django_q.signals import post_execute, post_execute_in_worker, pre_execute
from django_q.utils import get_func_repr

from charon.models import TaskCount
from markets.errors import log_cause

logger = logging.getLogger(__name__)

# A task works at most 40 s and is ended after 60.
LIMITS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 20.0, 40.0, 60.0)
BEGAN, WORKED = "charon_began", "charon_worked"


def connect() -> None:
    """Before the cluster forks: its workers measure, the process that collects their results counts."""
    pre_execute.connect(begin)
    post_execute_in_worker.connect(end)
    post_execute.connect(count)


def begin(task: dict[str, Any], **_: Any) -> None:
    task[BEGAN] = time.monotonic()


def end(task: dict[str, Any], **_: Any) -> None:
    """What django-q2 calls `started` is when the task was enqueued."""
    task[WORKED] = time.monotonic() - task.pop(BEGAN)


def count(task: dict[str, Any], **_: Any) -> None:
    """Never at the cost of the cluster: what a database that is away cannot count is not counted."""
    result = TaskCount.Result.SUCCESS if task["success"] else TaskCount.Result.FAILURE
    try:
        add(get_func_repr(task["func"])[:120], result, task.get(WORKED, 0.0))
    except Error as error:
        logger.warning("A task was not counted: %s", type(error).__name__, extra=log_cause(error))
        connection.close()


def add(name: str, result: str, seconds: float) -> None:
    with transaction.atomic():
        TaskCount.objects.get_or_create(task=name, result=result)
        row = TaskCount.objects.select_for_update().get(task=name, result=result)
        if len(row.buckets) != len(LIMITS) + 1:  # a new row, or one of a release with other limits
            row.seconds, row.buckets = 0.0, [0] * (len(LIMITS) + 1)
        row.buckets[bisect_left(LIMITS, seconds)] += 1
        row.seconds += seconds
        row.count += 1
        row.save()
