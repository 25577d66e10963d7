"""A child process: its start, its restarts and the end of its whole process group."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from charon.processes.liveness import Watch

logger = logging.getLogger(__name__)

CHILD_RUNNER = Path(__file__).with_name("child_runner.py")
STEADY = 60.0
# A process that nothing needs is thought of again after this time.
LOOK_SECONDS = 5.0
MAX_DELAY = 30.0
MAX_RESTARTS = 5


@dataclass
class Child:
    """One command in a session of its own. All times are the monotonic clock's."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    watch: Watch | None = None
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
        elif self.watch and self.watch.dead:
            self.restart_later(now, "shows no sign of life")

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
        if self.watch:
            self.watch.begin()

    def restart_later(self, now: float, how: str) -> None:
        """Kill the rest of the group and plan a restart after 1, 2, 4 ... 30 s; five ends a minute end Charon.

        But not while the database is away: then it is tried again every 30 s until that is back.
        """
        self.kill()
        self.delay = 1.0 if now - self.started >= STEADY else min(max(1.0, self.delay * 2), MAX_DELAY)
        self.due = now + self.delay
        self.restarts = [at for at in self.restarts if now - at < STEADY] + [now]
        if len(self.restarts) >= MAX_RESTARTS and database_is_away():
            self.due, self.delay, self.restarts = now + MAX_DELAY, 0.0, []
            cause = {"cause": f"{self.name} while the database is away"}
            logger.warning("%s %s while the database is away; again in %.0f s", self.name, how, MAX_DELAY, extra=cause)
            return
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


def database_is_away() -> bool:
    """Whether the database cannot be asked: then processes end that are not to blame for it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM django_migrations")
    except DatabaseError:
        return True
    finally:
        connection.close()
    return False


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
