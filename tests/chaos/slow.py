"""A small part of one core for a whole installation: a quota of the kernel, or a stopper where none may be set.

The stopper lets all its processes run for a part of each second; on a machine of n cores for an n-th of that, since all
of them may be at work then.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.chaos.house import House
from tests.processes import MANAGE

CGROUPS = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds, the kernel's own default
TURN = 1.0  # seconds


@contextmanager
def slowed(house: House, share: float) -> Iterator[str]:
    """From the start on the house has this share of one core; answers how that is done."""
    group = quota(f"charon-chaos-{os.getpid()}", share)
    if group is None:
        ended = threading.Event()
        thread = threading.Thread(target=stop_and_go, args=(house, share / (os.cpu_count() or 1), ended))
        thread.start()
        try:
            yield f"stopped and continued each second, {share:.0%} of one core"
        finally:
            ended.set()
            thread.join()
        return
    join = f"import os; open({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid())); os.execv({MANAGE[0]!r}, "
    house.command = [sys.executable, "-c", f"{join}{[*MANAGE, 'up']!r})"]
    try:
        yield f"{group}: {share:.0%} of one core"
    finally:
        house.end()
        group.rmdir()


def quota(name: str, share: float) -> Path | None:
    """A control group with that quota; None where this user may not make one, or the controller is not there."""
    microseconds = int(share * PERIOD)
    for parent, limits in (
        (CGROUPS, {"cpu.max": f"{microseconds} {PERIOD}"}),
        (CGROUPS / "cpu", {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": str(microseconds)}),
    ):
        group = parent / name
        with suppress(OSError):
            group.mkdir()
            if all((group / file).exists() for file in limits):  # the kernel's own files, and not a plain folder
                for file, value in limits.items():
                    (group / file).write_text(value)
                return group
            group.rmdir()
    return None


def stop_and_go(house: House, share: float, ended: threading.Event) -> None:
    while not ended.wait(TURN * share):
        everybody = house.up.processes() if house.up else []
        send(everybody, signal.SIGSTOP)
        ended.wait(TURN * (1 - share))
        send(everybody, signal.SIGCONT)


def send(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)
