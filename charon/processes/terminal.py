"""The terminal's foreground process group: Ctrl-C reaches Charon, not `make` that started it."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def foreground() -> Iterator[None]:
    """Run the block in a foreground process group of its own, like a shell's job; then give the terminal back.

    GNU make waits for its child after Ctrl-C and then kills itself with the signal, so that `make up` would end with
    130 whatever we return. Ctrl-Z is ignored meanwhile: make would not notice the stop, and the shell could not
    continue us with `fg`.
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
    """Whether we are in the terminal's foreground process group together with the process that started us."""
    try:
        at_terminal = os.isatty(sys.stdin.fileno()) and os.isatty(sys.stdout.fileno())
        return at_terminal and os.getpgrp() != os.getpid() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
