"""The heartbeat of a task queue: a small task that its cluster must run and take off the queue, or it is restarted.

A cluster can hang with all its processes alive: an idle worker that is killed leaves the lock of the queue between the
processes locked, and no task runs any more. The monitor that is killed leaves that of the results: tasks run, and none
is taken off the queue, until each has run three times and is given up.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.utils.module_loading import import_string
from django_q.models import OrmQ
from django_q.tasks import async_task

from markets.errors import log_cause

logger = logging.getLogger(__name__)

INTERVAL = 20.0
# By its name: it loads the rules and their compiler, which the supervisor has no need of.
DETECTOR = "charon.detection.run"
# Longer than a heartbeat waits in a working cluster: two tasks of 60 s run, up to three more have been fetched.
LIMIT = 180.0


def path(queue: str) -> Path:
    return Path(settings.DATA_DIR) / "run" / f"{queue}.beat"


def sign(queue: str) -> None:
    """Touch a file whenever a result has come to the end of the cluster, also where the database cannot record it."""
    with suppress(OSError):
        path(queue).parent.mkdir(parents=True, exist_ok=True)
        path(queue).touch()


def beat(queue: str) -> None:
    """The task: that it is taken off the queue is what counts. It looks for problems by the way."""
    if queue == settings.MINER_QUEUE:
        with suppress(DatabaseError):
            import_string(DETECTOR)()


def last_beat(queue: str) -> int:
    """The time of the last sign, in the file system's nanoseconds; 0 for never."""
    try:
        return path(queue).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@dataclass
class Heartbeat:
    """The supervisor's view of one queue: its last sign, the id of the newest beat, and the tasks up to it.

    `checked` and `progressed` are the times of the last check and of the last progress. All times are the monotonic
    clock's.
    """

    queue: str
    seen: tuple[int, int] = (0, 0)
    task: int = 0
    checked: float = float("-inf")
    progressed: float = 0.0
    answered: bool = False

    def enqueue(self) -> None:
        async_task("charon.processes.queue_heartbeat.beat", self.queue, cluster=self.queue, save=False)
        self.task = OrmQ.objects.filter(key=self.queue).order_by("-pk").values_list("pk", flat=True).first() or 0
        self.seen = self.look()

    def look(self) -> tuple[int, int]:
        """What changes when a task comes to its end."""
        return last_beat(self.queue), OrmQ.objects.filter(key=self.queue, pk__lte=self.task).count()

    def alive(self, now: float) -> bool:
        """Whether the cluster takes tasks. While the database is away it counts as alive: nothing can be known."""
        try:
            return self.takes_tasks(now)
        except DatabaseError as error:
            words = " ".join(str(error).split())
            logger.warning("No heartbeat for queue %s: %s", self.queue, words, extra=log_cause(error))
            self.progressed = now
            return True

    def takes_tasks(self, now: float) -> bool:
        """Check every INTERVAL; False when no task has come to its end for LIMIT."""
        if now - self.checked < INTERVAL:
            return True
        self.checked = now
        if not self.task:
            self.progressed = now
            self.enqueue()
        elif (seen := self.look()) != self.seen:
            self.seen, self.progressed, self.answered = seen, now, True
        if not OrmQ.objects.filter(pk=self.task).exists():
            self.enqueue()
        return now - self.progressed < LIMIT

    def forget(self) -> None:
        """Start anew with a restarted cluster."""
        self.task, self.checked, self.answered = 0, float("-inf"), False
