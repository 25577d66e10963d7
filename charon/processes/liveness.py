"""Whether a child process still works: asked in a thread of its own, so that one that hangs delays nobody.

A process that is stopped, deadlocked or starved has a pid all the same; only its answer shows that it lives.
"""

import http.client
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Protocol

from django.conf import settings
from django.db import DatabaseError, connection

from markets import problems

logger = logging.getLogger(__name__)

PAUSE = 5.0
# Until it has answered once: one that is stopped right after its start is noticed as soon as any other.
FIRST_PAUSE = 0.5
TIMEOUT = 5.0
# Without any answer for so long, and to so many questions, a process is dead. A request of web waits behind those
# before it: a tenth of a second under full load, 20 s behind writes to a locked SQLite. Counting the questions keeps
# alive what was suspended together with us: a paused machine or container, or a supervisor that was stopped.
LIMIT = 30.0
TRIES = 3
# A process that has not answered yet may still be loading: 3 s of CPU time, a minute on a twelfth of a core.
START_LIMIT = 300.0


class Sign(Protocol):
    """How a process shows that it lives; `answered`: it has done so since `forget`, with which a new one begins."""

    answered: bool

    def alive(self, now: float) -> bool: ...

    def forget(self) -> None: ...


class Answer:
    """One question that a healthy process answers at once. All times are the monotonic clock's."""

    def __init__(self, ask: Callable[[], bool], start_limit: float = START_LIMIT) -> None:
        self.ask, self.start_limit = ask, start_limit
        self.forget()

    def forget(self) -> None:
        self.answered, self.failed, self.silent_since = False, 0, 0.0

    def alive(self, now: float) -> bool:
        if self.ask():
            self.answered, self.failed = True, 0
            return True
        if not self.failed:
            self.silent_since = now
        self.failed += 1
        limit = LIMIT if self.answered else self.start_limit
        return self.failed < TRIES or now - self.silent_since < limit


class Watch:
    """Looks at one sign again and again; `dead` is the verdict on the process that runs now."""

    def __init__(self, name: str, sign: Sign) -> None:
        self.name, self.sign = name, sign
        self.dead, self.renewed, self.reported = False, True, True

    def begin(self) -> None:
        """Another process has been started: what was found out about the one before does not count."""
        self.dead, self.renewed = False, True

    def run_in_thread(self) -> None:
        Thread(target=self.run, name=f"watch {self.name}", daemon=True).start()

    def run(self) -> None:
        while True:
            self.look()
            time.sleep(PAUSE if self.sign.answered else FIRST_PAUSE)

    def look(self) -> None:
        """Nothing that goes wrong here is the fault of the process that is watched."""
        if self.renewed:
            self.renewed = False
            self.sign.forget()
        try:
            alive = self.sign.alive(time.monotonic())
        except Exception:
            logger.exception("%s cannot be watched", self.name)
            return
        if self.renewed:
            return
        self.dead = not alive
        self.tell()

    def tell(self) -> None:
        """The first look closes what an installation that was killed has left open."""
        try:
            if self.dead:
                problems.report("liveness", self.name)
                self.reported = True
            elif self.reported and self.sign.answered:
                problems.close("liveness", self.name)
                self.reported = False
        except DatabaseError:
            logger.debug("The problem of %s cannot be told", self.name)
        finally:
            connection.close()


def answers(ip: str, port: int, path: str) -> bool:
    """Any answer will do."""
    caller = http.client.HTTPConnection(ip, port, timeout=TIMEOUT)
    try:
        caller.request("HEAD", path)
        return bool(caller.getresponse().status)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        caller.close()


class Beats:
    """Whether a file that the process touches every few seconds has been touched since the last question."""

    def __init__(self, name: str) -> None:
        self.name, self.last = name, self.touched(name)

    def __call__(self) -> bool:
        before, self.last = self.last, self.touched(self.name)
        return self.last != before

    @staticmethod
    def touched(name: str) -> int:
        with suppress(OSError):
            return (Path(settings.DATA_DIR) / "run" / f"{name}.beat").stat().st_mtime_ns
        return 0
