"""The tasks of all clusters as counters and a histogram for each task (`charon.processes.task_counts`)."""

from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from charon.metric_families import counter
from charon.models import TaskCount
from charon.processes.task_counts import LIMITS

BOUNDS = [*(str(limit) for limit in LIMITS), "+Inf"]


def read(_now: datetime) -> Iterator[Metric]:
    """One statement."""
    rows = list(TaskCount.objects.order_by("task", "result"))
    ended = [([row.task, row.result], float(row.count)) for row in rows]
    yield counter("charon_tasks", "Tasks of the queues that ended.", ["task", "result"], ended)
    yield durations(rows)


def durations(rows: list[TaskCount]) -> Metric:
    """How long the workers worked on a task, however it ended."""
    family = HistogramMetricFamily("charon_task_seconds", "Time that a worker spent on a task.", labels=["task"])
    # Those of a release with other limits count anew with the next run.
    known = [row for row in rows if len(row.buckets) == len(BOUNDS)]
    for task in dict.fromkeys(row.task for row in known):
        own = [row for row in known if row.task == task]
        counts = accumulate(sum(column) for column in zip(*(row.buckets for row in own), strict=True))
        family.add_metric([task], list(zip(BOUNDS, counts, strict=True)), sum(row.seconds for row in own))
    return family
