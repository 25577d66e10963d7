"""Ctrl-C belongs to us alone, not to the program that started us."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def foreground() -> Iterator[None]:
    """Be a foreground process group of our own, as a shell's job would be, and hand the terminal back at the end.

    GNU make that receives Ctrl-C waits for its child and then kills itself with the signal, so that `make up` would
    end with 130 whatever we return. Stopping (Ctrl-Z) is refused meanwhile: make would not see it and nobody could
    type `fg`.
    """
    if not shared():
        yield
        return
    group = os.getpgrp()
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())
    try:
        yield
    finally:
        with suppress(OSError):  # the terminal or the group may be gone
            os.tcsetpgrp(sys.stdin.fileno(), group)


def shared() -> bool:
    """Whether we sit at a terminal in the foreground together with whoever started us."""
    try:
        at_terminal = os.isatty(sys.stdin.fileno()) and os.isatty(sys.stdout.fileno())
        return at_terminal and os.getpgrp() != os.getpid() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
