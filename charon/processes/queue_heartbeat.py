"""The heartbeat of a task queue: a small task that its cluster must run, or it is restarted.

A cluster can hang with all its processes alive: an idle worker that is killed leaves the lock of the queue between the
processes locked, and no task runs any more.
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

logger = logging.getLogger(__name__)

INTERVAL = 20.0
# By its name: it loads the rules and their compiler, which the supervisor has no need of.
DETECTOR = "charon.detection.run"
# Longer than a heartbeat waits in a working cluster: two tasks of 60 s run, up to three more have been fetched.
LIMIT = 180.0


def path(queue: str) -> Path:
    return Path(settings.DATA_DIR) / "run" / f"{queue}.beat"


def beat(queue: str) -> None:
    """The task: touches a file, which proves that a worker of this queue takes tasks; then it looks for problems.

    That the task ends proves it as well, where the disk is full.
    """
    with suppress(OSError):
        path(queue).parent.mkdir(parents=True, exist_ok=True)
        path(queue).touch()
    if queue == settings.MINER_QUEUE:
        with suppress(DatabaseError):
            import_string(DETECTOR)()


def last_beat(queue: str) -> int:
    """The time of the last heartbeat, in the file system's nanoseconds; 0 for never."""
    try:
        return path(queue).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@dataclass
class Heartbeat:
    """The supervisor's view of one queue: its last heartbeat, the id of the newest task, and the tasks before it.

    `checked` and `progressed` are the times of the last check and of the last progress. All times are the monotonic
    clock's.
    """

    queue: str
    last: int = 0
    task: int = 0
    ahead: int = 0
    checked: float = float("-inf")
    progressed: float = 0.0
    answered: bool = False
    away: bool = False

    def enqueue(self, now: float) -> None:
        self.last, self.progressed, self.checked = last_beat(self.queue), now, now
        async_task("charon.processes.queue_heartbeat.beat", self.queue, cluster=self.queue, save=False)
        self.task = OrmQ.objects.filter(key=self.queue).order_by("-pk").values_list("pk", flat=True).first() or 0
        self.ahead = self.rows_ahead()

    def rows_ahead(self) -> int:
        return int(OrmQ.objects.filter(key=self.queue, pk__lte=self.task).count())

    def alive(self, now: float) -> bool:
        """Whether the cluster takes tasks. While the database is away it counts as alive: nothing can be known."""
        try:
            takes_tasks = self.takes_tasks(now)
        except DatabaseError as error:
            if not self.away:
                logger.warning("No heartbeat for queue %s: %s", self.queue, " ".join(str(error).split()))
            self.away, self.progressed = True, now
            return True
        self.away = False
        return takes_tasks

    def takes_tasks(self, now: float) -> bool:
        """Check every INTERVAL; False when neither the heartbeat nor a task before it was taken for LIMIT."""
        if now - self.checked < INTERVAL:
            return True
        self.checked = now
        if not self.task or last_beat(self.queue) != self.last:
            self.answered = bool(self.task)
            self.enqueue(now)
        elif (ahead := self.rows_ahead()) != self.ahead:
            self.ahead, self.progressed = ahead, now
        elif not ahead:
            self.enqueue(now)  # it was taken, and the file cannot be written
        return now - self.progressed < LIMIT

    def forget(self) -> None:
        """Start anew with a restarted cluster."""
        self.task, self.checked, self.answered = 0, float("-inf"), False
