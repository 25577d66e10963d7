"""Load: pages and API asked by 32, 256 and 1,000 connections at once, and by one caller far above its limit.

Each connection is many callers behind a trusted proxy, so that no limit of one caller is met. Last, 256 connections of
one caller alone: they are told 429, and beside them another caller asks in peace. What is wanted: no 5xx but 503, no
connection that is lost, and after each round the first page within two seconds. `make load` takes a minute a round
(SECONDS_EACH=60); wrk is needed (Debian: apt install wrk).
"""

import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from bench.cached import answers, started
from bench.measure import installation, pss_mb, run
from bench.start import free_port

SCRIPT = Path(__file__).with_name("_load.lua")
CONNECTIONS = (32, 256, 1000)
ENGINE = "import django; django.setup(); from signals.tasks import catch_up\nwhile catch_up(): pass"
# What a caller may be told: an answer, "not modified", "ask later", "not now".
EXPECTED = frozenset({200, 304, 429, 503})
RECOVERY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Round:
    """What wrk counted; times in milliseconds, memory in MB (PSS of all workers, the highest seen)."""

    name: str
    requests: int
    seconds: float
    p50: float
    p99: float
    longest: float
    lost: int
    statuses: Counter[int]
    memory: float
    after: float

    def faults(self) -> list[str]:
        """What must not be, in words."""
        told = {status: count for status, count in self.statuses.items() if status not in EXPECTED}
        found = [f"{self.name}: {count} answers {status}" for status, count in told.items()]
        if self.lost:
            found.append(f"{self.name}: {self.lost} connections or requests were lost")
        if self.after > RECOVERY_SECONDS:
            found.append(f"{self.name}: the first page after it took {self.after:.1f} s")
        return found

    def line(self) -> str:
        told = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        times = f"p50 {self.p50:7.1f}   p99 {self.p99:8.1f}   longest {self.longest:8.1f} ms"
        rate = f"{self.name:22} {self.requests / self.seconds:7.0f} /s"
        return f"  {rate}   {times}   lost {self.lost}   {self.memory:5.0f} MB   then {self.after:.2f} s   {told}"


def parsed(name: str, output: str, memory: float, after: float) -> Round:
    """Of the last line of wrk's output, which our script writes."""
    said = json.loads(output.strip().splitlines()[-1])
    statuses: Counter[int] = Counter()
    for thread in said["statuses"]:
        statuses.update({int(status): count for status, count in thread.items()})
    lost = said["connect"] + said["read"] + said["write"] + said["timeout"]
    times = (said["p50_ms"], said["p99_ms"], said["max_ms"])
    return Round(name, said["requests"], said["seconds"], *times, lost, statuses, memory, after)


class Highest(threading.Thread):
    """The highest memory of a process with its children, asked four times a second until `stop`."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process, self.seen, self.over = process, 0.0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.25):
            self.seen = max(self.seen, pss_mb(self.process))

    def stop(self) -> float:
        self.over.set()
        self.join()
        return self.seen


def storm(base: str, server: psutil.Process, connections: int, seconds: int, *, greedy: bool = False) -> Round:
    words = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT), base]
    highest = Highest(server)
    highest.start()
    done = subprocess.run([*words, "--", "greedy" if greedy else "many"], check=True, capture_output=True, text=True)
    memory = highest.stop()
    first = time.perf_counter()
    httpx.get(base, headers={"X-Forwarded-For": "192.0.2.7"}, timeout=60).raise_for_status()
    name = f"{connections} of one caller" if greedy else f"{connections} connections"
    return parsed(name, done.stdout, memory, time.perf_counter() - first)


@contextmanager
def bystander(base: str) -> Iterator[list[float]]:
    """Another caller, who asks for the front page twice a second; the milliseconds of each, endless where refused."""
    times: list[float] = []
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(headers={"X-Forwarded-For": "192.0.2.8"}, timeout=60) as client:
            while not over.wait(0.5):
                first = time.perf_counter()
                answered = client.get(base).is_success
                times.append((time.perf_counter() - first) * 1000 if answered else math.inf)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield times
    finally:
        over.set()
        thread.join(60)


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """Web alone, as `up` starts it: its address and its main process."""
    port = str(free_port())
    command = [sys.executable, "-m", "charon.serving", "--host", "127.0.0.1", "--port", port, "--kill-timeout", "2"]
    known = {process.pid for process in psutil.Process().children()}
    with started(command, {**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "charon.settings"}):
        base = f"http://127.0.0.1:{port}/"
        while not answers(base.rstrip("/")):
            time.sleep(0.1)
        server = next(one for one in psutil.Process().children() if one.pid not in known)
        yield base, server


def fill(environment: dict[str, str]) -> None:
    """The figures of the archive and the signals of them."""
    run(["manage.py", "mine", "nbp_archive", "--json"], environment)
    run(["-c", ENGINE], environment | {"DJANGO_SETTINGS_MODULE": "charon.settings"})


def rounds(
    seconds: int, connections: tuple[int, ...] = CONNECTIONS, *, filled: bool = True, reads: str = "600"
) -> Iterator[Round]:
    """With the limits of a new installation."""
    with installation(DB_POOL="1", LIMIT_READS=reads, LIMIT_WRITES="30", LIMIT_HEAVY="60") as environment:
        if filled:
            fill(environment)
        with serving(environment) as (base, server):
            for number in connections:
                yield storm(base, server, number, seconds)
            with bystander(base) as times:
                yield storm(base, server, connections[min(1, len(connections) - 1)], seconds, greedy=True)
            print(f"  another caller beside it: {len(times)} pages, longest {max(times, default=math.inf):.0f} ms")
            if not times or math.inf in times:
                sys.exit("  another caller got no page beside the greedy one")


def main() -> None:
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed. On Debian: apt install wrk")
    seconds = int(os.environ.get("SECONDS_EACH", "60"))
    print(f"{os.cpu_count()} cores, SQLite, limits of a new installation, {seconds} s each")
    faults: list[str] = []
    for one in rounds(seconds):
        print(one.line(), flush=True)
        faults += one.faults()
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
