"""The supervisor: starts and restarts the child processes of one machine, and leaves none behind."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from charon.processes.queue_heartbeat import Heartbeat

logger = logging.getLogger(__name__)

CHILD_RUNNER = Path(__file__).with_name("child_runner.py")
TICK = 0.2
STEADY = 60.0
# A process that nothing needs is thought of again after this time.
LOOK_SECONDS = 5.0
MAX_DELAY = 30.0
MAX_RESTARTS = 5
# Everything has to end within 5 s. A cluster that is asked to end finishes its running tasks first, up to 60 s: killed.
GRACE = 3.0
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """The signal handler: interrupts before the children run, afterwards sets `asked` for the loop."""

    def __init__(self) -> None:
        self.asked = False
        self.interrupts = True

    def __call__(self, *_: object) -> None:
        self.asked = True
        if self.interrupts:
            raise KeyboardInterrupt


@contextmanager
def stop_on_signal() -> Iterator[Stop]:
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Child:
    """One command in a session of its own. All times are the monotonic clock's."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    heart: Heartbeat | None = None
    # Whether there is work for it; asked before a start alone, so that one that runs goes on.
    wanted: Callable[[], bool] | None = None
    process: subprocess.Popen[bytes] | None = None
    due: float = 0.0
    started: float = 0.0
    delay: float = 0.0
    restarts: list[float] = field(default_factory=list)

    def check(self, now: float) -> None:
        if self.process is None:
            if now >= self.due:
                self.start_if_wanted(now)
        elif (code := self.process.poll()) is not None:
            self.restart_later(now, f"ended with code {code}")
        elif self.heart and not takes_tasks(self.heart, now):
            self.restart_later(now, "takes no tasks any more")

    def start_if_wanted(self, now: float) -> None:
        if has_work(self):
            self.start(now)
        else:
            self.due = now + LOOK_SECONDS

    def start(self, now: float) -> None:
        self.started = now
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-I", "-S", str(CHILD_RUNNER), *self.command],
            stdin=subprocess.PIPE,
            env=os.environ | self.env,
            start_new_session=True,
        )
        if self.heart:
            self.heart.forget()

    def restart_later(self, now: float, how: str) -> None:
        """Kill the rest of the group and plan a restart after 1, 2, 4 ... 30 s; five ends a minute end Charon."""
        self.kill()
        self.delay = 1.0 if now - self.started >= STEADY else min(max(1.0, self.delay * 2), MAX_DELAY)
        self.due = now + self.delay
        self.restarts = [at for at in self.restarts if now - at < STEADY] + [now]
        if len(self.restarts) >= MAX_RESTARTS:
            raise CommandError(f"{self.name} {how}, {MAX_RESTARTS} times within a minute; Charon ends.")
        logger.warning("%s %s; again in %.0f s", self.name, how, self.delay)

    def ask_to_end(self) -> None:
        if self.process:
            self.process.terminate()

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def kill(self) -> None:
        """Kill the whole process group, since the main process may have left others behind, and wait for its end."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        group, self.process = self.process.pid, None
        wait_for(lambda: not group_exists(group), 1)


def has_work(child: Child) -> bool:
    """Whether the process is needed. While the database is away it counts as needed: nothing can be known."""
    if child.wanted is None:
        return True
    try:
        return child.wanted()
    except DatabaseError:
        return True
    finally:
        connection.close()


def takes_tasks(heart: Heartbeat, now: float) -> bool:
    """Whether the cluster takes tasks. While the database is away it counts as alive: nothing can be known."""
    try:
        return heart.alive(now)
    except DatabaseError as error:
        logger.warning("No heartbeat for queue %s: %s", heart.queue, " ".join(str(error).split()))
        heart.progressed = now
        return True
    finally:
        connection.close()


def adopt_orphans() -> None:
    """Make orphaned descendants our children (Linux's child subreaper), so that we can reap them.

    In a container no other process may reap them, and a zombie still has a pid, so that it keeps the lease of its job.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def group_exists(group: int) -> bool:
    """Whether any process of the group is alive; reaps those that are dead and our children."""
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def supervise(children: list[Child], stop: Stop, every_tick: Callable[[], None]) -> None:
    """Run the children until `stop` is asked for. However this ends, no child is left."""
    stop.interrupts = False
    adopt_orphans()
    try:
        while not stop.asked:
            for child in children:
                child.check(time.monotonic())
            every_tick()
            time.sleep(TICK)
    finally:
        end(children)


def end(children: list[Child]) -> None:
    for child in children:
        child.ask_to_end()
    wait_for(lambda: all(child.ended() for child in children), GRACE)
    for child in children:
        child.kill()
