"""The parent of each child process: kills the child's process group when the child or the supervisor ends.

Its standard input is a pipe whose other end only the supervisor holds. The kernel closes that end even after a
`kill -9`. Without this, a dead supervisor would leave granian's worker and the queue's workers running. What a dead
child leaves behind is killed here as well: a supervisor that is killed next could do it no more. It imports the
standard library only, and little of it, because one of these runs beside every child.
"""

import os
import signal
import sys
import threading


def kill_group_when_released() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def kill_the_others() -> None:
    """Kill the rest of our process group, also what is forked meanwhile. Only Linux tells who belongs to it."""
    killed = {os.getpid()}
    while new := members() - killed:
        for process in new:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        killed |= new


def members() -> set[int]:
    """The processes of our group."""
    names = os.listdir("/proc") if sys.platform == "linux" else []  # noqa: PTH208 - pathlib is not little
    return {int(name) for name in names if name.isdigit() and group_of(int(name)) == os.getpgrp()}


def group_of(process: int) -> int:
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return -1


def main(command: list[str]) -> None:
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    child = os.posix_spawn(command[0], command, os.environ, file_actions=[nothing])
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    threading.Thread(target=kill_group_when_released, daemon=True).start()
    _, status = os.waitpid(child, 0)
    kill_the_others()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main(sys.argv[1:])
