"""Work in a fork of this process, which has loaded Django already: what the work adds to the memory ends with it."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.context import ForkProcess

from django.core.management.base import CommandError

from charon.processes.supervisor import SIGNALS

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def begin(work: Callable[[], None]) -> ForkProcess:
    """Start it. It ends at once by a signal, with this process, and is killed with it; a CommandError is its last word.

    To be called before there is a thread or a connection to the database: neither survives a fork.
    """

    parent = os.getpid()

    def run() -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            return  # it was killed before it could be asked for
        try:
            work()
        except CommandError as error:
            sys.exit(str(error))

    process = get_context("fork").Process(target=run, daemon=True)
    process.start()
    return process
