"""Keeps the processes of one machine running, and leaves none behind."""

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
MAX_DELAY = 30.0
MAX_DEATHS = 5
# Everything is to be gone within 5 s: the queue would finish its running tasks first, which may take 60 s.
GRACE = 3.0
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """What a signal asks for: before the children run it interrupts, afterwards the loop looks at `asked`."""

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
    """One command in a session of its own. The times are the monotonic clock's."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    heart: Heartbeat | None = None
    process: subprocess.Popen[bytes] | None = None
    due: float = 0.0
    started: float = 0.0
    delay: float = 0.0
    restarts: list[float] = field(default_factory=list)

    def check(self, now: float) -> None:
        if self.process is None:
            if now >= self.due:
                self.start(now)
        elif (code := self.process.poll()) is not None:
            self.died(now, f"ended with code {code}")
        elif self.heart and not beats(self.heart, now):
            self.died(now, "takes no tasks any more")

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

    def died(self, now: float, how: str) -> None:
        """Nothing of it stays, and a new one comes: at once is too soon, 1, 2, 4 ... 30 s later."""
        self.kill()
        self.delay = 1.0 if now - self.started >= STEADY else min(max(1.0, self.delay * 2), MAX_DELAY)
        self.due = now + self.delay
        self.restarts = [death for death in self.restarts if now - death < STEADY] + [now]
        if len(self.restarts) >= MAX_DEATHS:
            raise CommandError(f"{self.name} {how}, {MAX_DEATHS} times within a minute; Charon ends.")
        logger.warning("%s %s; again in %.0f s", self.name, how, self.delay)

    def ask_to_end(self) -> None:
        if self.process:
            self.process.terminate()

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def kill(self) -> None:
        """The main process may have left others behind: the whole group goes, and is waited for."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        group, self.process = self.process.pid, None
        wait_for(lambda: not group_exists(group), 1)


def beats(heart: Heartbeat, now: float) -> bool:
    """A database that is away says nothing about the cluster."""
    try:
        return heart.alive(now)
    except DatabaseError as error:
        logger.warning("No heartbeat for queue %s: %s", heart.queue, " ".join(str(error).split()))
        heart.heard = now
        return True
    finally:
        connection.close()


def adopt_orphans() -> None:
    """Whoever loses its parent becomes our child (Linux), so that we can bury it.

    In a container nobody else may do it, and a dead process that still has a number holds the lease of its job.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def group_exists(group: int) -> bool:
    """Whether any process of the group lives; the dead ones that are ours are buried."""
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
    """Until asked to stop. Whatever ends this, the children are gone afterwards."""
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
