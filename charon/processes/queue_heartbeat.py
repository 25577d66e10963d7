"""Whether a queue is alive: a tiny task is put into it again and again, and somebody must take it.

A cluster can be wedged with all its processes alive: an idle worker that is killed takes the lock of the queue between
the processes into its grave, and no task runs any more.
"""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django_q.models import OrmQ
from django_q.tasks import async_task

INTERVAL = 20.0
# Longer than a beat can wait while all is well: two tasks of 60 s are running, up to three more have been fetched.
LIMIT = 180.0


def path(queue: str) -> Path:
    return Path(settings.DATA_DIR) / "run" / f"{queue}.beat"


def beat(queue: str) -> None:
    """The task: a worker of this queue takes tasks."""
    path(queue).parent.mkdir(parents=True, exist_ok=True)
    path(queue).touch()


def last_beat(queue: str) -> int:
    """When, in the file system's nanoseconds; 0 for never."""
    try:
        return path(queue).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@dataclass
class Heartbeat:
    """What the supervisor knows of one queue. `now` is the monotonic clock's."""

    queue: str
    beaten: int = 0
    asked: int = 0
    ahead: int = 0
    looked: float = float("-inf")
    heard: float = 0.0

    def ask(self, now: float) -> None:
        self.beaten, self.heard, self.looked = last_beat(self.queue), now, now
        async_task("charon.processes.queue_heartbeat.beat", self.queue, cluster=self.queue, save=False)
        self.asked = OrmQ.objects.filter(key=self.queue).order_by("-pk").values_list("pk", flat=True).first() or 0
        self.ahead = self.rows_ahead()

    def rows_ahead(self) -> int:
        return int(OrmQ.objects.filter(key=self.queue, pk__lte=self.asked).count())

    def alive(self, now: float) -> bool:
        """One look every INTERVAL; False when neither the beat nor a task before it moved for LIMIT."""
        if now - self.looked < INTERVAL:
            return True
        self.looked = now
        if not self.asked or last_beat(self.queue) != self.beaten:
            self.ask(now)
        elif (ahead := self.rows_ahead()) != self.ahead:
            self.ahead, self.heard = ahead, now
        return now - self.heard < LIMIT

    def forget(self) -> None:
        """The cluster is a new one: ask it afresh."""
        self.asked, self.looked = 0, float("-inf")
