"""Benchmark of a start without a network: from `up` on an empty folder to all signals, and up again.

Targets on two idle cores, with the packages installed: the first until every signal is shown under 20 s, the second
until `/health` answers under 3 s. The processor time of all processes until then is told beside the clock, by what
they are: where other programs use the machine, that alone carries over. As after a clone, Python has compiled the
packages and nothing of ours before the first. IDLE=60 waits so many seconds before it measures the memory.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from typing import NamedTuple
from urllib.error import URLError

import psutil

from bench.measure import ROOT, pss_mb

LIMIT = 240
PAUSE = 0.2
IDLE = float(os.environ.get("IDLE", "0"))
FIRST, SECOND = 20, 3
NAMES = {"up": "up", "qcluster": "cluster", "charon.serving": "web", "pulse": "pulse", "live": "live"}


class Start(NamedTuple):
    """Seconds until it was ready and until `/health` answered, the processor time until it was ready, and the memory of
    all processes (PSS) after the idle time.
    """

    seconds: float
    answered: float
    cpu: dict[str, float]
    idle_mb: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except (URLError, OSError):
        return ""


def full(base: str) -> bool:
    """Whether every code of table A has a signal (the archive has no gold) and the page shows the dollar."""
    states = json.loads(fetch(f"{base}/signals/current?limit=1000") or "{}").get("items", [])
    decided = [state for state in states if state["status"] == "ok"]
    pending = [state for state in states if state["status"] == "pending"]
    return len(decided) > 30 and not pending and "USD" in fetch(base)


def processor_time(root: int) -> dict[str, float]:
    """Of everything below `up`, by the command; what has ended and was waited for counts with its parent."""
    found: dict[str, float] = {}
    for one in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
        try:
            times = one.cpu_times()
            label, words = label_of(one)
        except psutil.NoSuchProcess:
            continue
        spent = times.user + times.system
        if "child_runner.py" not in " ".join(words):  # it counts its child again when that has ended
            spent += times.children_user + times.children_system
        found[label] = found.get(label, 0.0) + spent
    return found


def forget_compiled() -> None:
    for package in ("charon", "markets", "miner", "signals"):
        for folder in (ROOT / package).rglob("__pycache__"):
            shutil.rmtree(folder, ignore_errors=True)


def label_of(process: psutil.Process) -> tuple[str, list[str]]:
    """What it is, and its command; one that has ended and was not waited for yet has none, and is a worker's end."""
    try:
        words = process.cmdline()
        queue = process.environ().get("Q_CLUSTER_NAME", "") if "qcluster" in words else ""
    except psutil.ZombieProcess:
        return "ended", []
    name = next((value for key, value in NAMES.items() if key in words), "others")
    return f"{name} {queue}".strip(), words


def started(folder: str, port: int, ready: Callable[[str], bool]) -> Start:
    environment = {
        **os.environ, "DATA_DIR": folder, "ENV_FILE": os.devnull, "PORT": str(port), "NBP_BASE_URL": "http://127.0.0.1:9/",
        "REDIS_URL": "", "LOG_LEVEL": "ERROR", "LIMIT_READS": "0",
    }  # fmt: skip
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody who starts Charon has it set
    begun, answered = time.perf_counter(), 0.0
    with subprocess.Popen(
        [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    ) as up:
        try:
            while not ready(f"http://127.0.0.1:{port}"):
                if not answered and fetch(f"http://127.0.0.1:{port}/health"):
                    answered = time.perf_counter() - begun
                if time.perf_counter() - begun > LIMIT or up.poll() is not None:
                    sys.exit(f"  not ready after {LIMIT} s (exit code {up.poll()})")
                time.sleep(PAUSE)
            seconds = time.perf_counter() - begun
            spent = processor_time(up.pid)
            time.sleep(IDLE)
            return Start(seconds, answered or seconds, spent, pss_mb(psutil.Process(up.pid)))
        finally:
            up.send_signal(signal.SIGTERM)


def answers(base: str) -> bool:
    return bool(fetch(f"{base}/health"))


def told(name: str, start: Start) -> None:
    print(f"  {name}: {start.seconds:.1f} s, {sum(start.cpu.values()):.1f} s CPU; /health after {start.answered:.1f} s")
    if IDLE:
        print(f"    {start.idle_mb:.0f} MB of memory after {IDLE:.0f} s more")
    parts = sorted(start.cpu.items(), key=lambda part: -part[1])
    print("    " + ", ".join(f"{label} {seconds:.1f}" for label, seconds in parts))


def main() -> None:
    port = free_port()
    forget_compiled()
    with tempfile.TemporaryDirectory(prefix="charon-bench-") as folder:
        first, second = started(folder, port, full), started(folder, port, answers)
    print("start without a network")
    told("first, until every signal is shown", first)
    told("second, until it answers", second)
    if first.seconds > FIRST or second.seconds > SECOND:
        sys.exit(f"  target missed: {FIRST} s and {SECOND} s on two idle cores")


if __name__ == "__main__":
    main()
