"""The supervisor: starts and restarts the child processes of one machine, and leaves none behind."""

import ctypes
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from charon.processes import child_process
from charon.processes.child_process import Child

TICK = 0.2
# Everything is to end within 5 s on a machine that is not busy (16 s were measured under full load). A cluster that is
# asked to end finishes its running tasks first, up to 60 s: it is killed.
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


def adopt_orphans() -> None:
    """Make orphaned descendants our children (Linux's child subreaper), so that we can reap them.

    In a container no other process may reap them, and a zombie still has a pid, so that it keeps the lease of its job.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def supervise(children: list[Child], stop: Stop, every_tick: Callable[[], None]) -> None:
    """Run the children until `stop` is asked for. However this ends, no child is left."""
    stop.interrupts = False
    adopt_orphans()
    for child in children:
        if child.watch:
            child.watch.run_in_thread()
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
    child_process.wait_for(lambda: all(child.ended() for child in children), GRACE)
    for child in children:
        child.kill()
