"""The locks on the data folder: one Charon per folder, with its pid in `charon.lock`, and one demo around it."""

import fcntl
import os
import time
from pathlib import Path
from typing import TextIO

NAME, DEMO = "charon.lock", "demo.lock"


class LockHeld(Exception):
    """Another process holds the lock."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(pid)
        self.pid = pid


def take(folder: Path, name: str = NAME) -> TextIO:
    """Takes the lock and returns it as an open file; the kernel frees it when the process ends. Raises LockHeld."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (folder / name).open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read().strip()
        file.close()
        raise LockHeld(int(pid) if pid.isdigit() else None) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def holder(folder: Path) -> int | None:
    """The pid of the process that holds the lock; None when it is free."""
    if not (folder / NAME).exists():
        return None
    try:
        take(folder).close()
    except LockHeld as held:
        return held.pid
    return None


def wait_until_free(folder: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while holder(folder) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
