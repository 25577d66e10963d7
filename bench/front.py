"""Benchmark of the web processes: a worker a core behind the front, beside one WSGI worker with a thread a core.

The second is how web was started before. Both run at once on the same data and are asked in turns: a cached year of
`/rates`, a year that no cache has, and the dashboard. Requests a second depend on what else the machine does; the
processor time of the server for one request does so less. Target: a cached year at no more than 1.5 times the processor
time before (the front costs 0.1 ms a request), and at least 1.2 times its requests where there are two cores.
"""

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.cached import CLIENTS, YEAR, answers, started, web
from bench.measure import installation, pss_mb, run
from bench.start import free_port

ROUNDS, SECONDS = 7, 4
COLD = Path(__file__).with_name("_cold.lua")
PAGES = {"cached /rates": YEAR, "cold /rates": "", "/": "/"}


@contextmanager
def before(environment: dict[str, str]) -> Iterator[str]:
    port, threads = str(free_port()), str(os.cpu_count() or 1)
    options = ["--interface", "wsgi", "--port", port, "--workers", "1", "--blocking-threads", threads]
    command = [sys.executable, "-m", "granian", *options, "--log-level", "warning", "charon.wsgi:application"]
    with started(command, {**os.environ, **environment}):
        base = f"http://127.0.0.1:{port}"
        while not answers(base):
            time.sleep(0.1)
        yield base


def server_of(base: str) -> psutil.Process:
    """The main process of the granian at that port."""
    port = base.rpartition(":")[2]
    return next(
        one
        for one in psutil.Process().children()
        if port in one.cmdline() and {"granian", "charon.serving"} & {*one.cmdline()}
    )


def spent(process: psutil.Process) -> float:
    family = [process, *process.children(recursive=True)]
    return sum(one.cpu_times().user + one.cpu_times().system for one in family)


def load(base: str, path: str) -> tuple[float, float]:
    """Requests a second, and milliseconds of the server's processors for one."""
    process = server_of(base)
    words = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s", *([] if path else ["-s", str(COLD)]), base + path]
    first = spent(process)
    output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    used = spent(process) - first
    found = re.search(r"(\d+) requests in ([0-9.]+)s", output)
    if not found or "Non-2xx" in output:
        sys.exit(f"  wrk: {output}")
    return int(found[1]) / float(found[2]), used / int(found[1]) * 1000


def medians(rounds: list[tuple[float, float]]) -> tuple[float, ...]:
    return tuple(statistics.median(column) for column in zip(*rounds, strict=True))


def main() -> None:
    with installation(DB_POOL="1") as environment:
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        run(["-c", "import django; django.setup(); from signals.tasks import catch_up\nwhile catch_up(): pass"],
            environment | {"DJANGO_SETTINGS_MODULE": "charon.settings"})  # fmt: skip
        with before(environment) as old, web(environment) as new:
            measured = {(name, base): [] for name in PAGES for base in (old, new)}
            for number in range(ROUNDS + 1):
                for (name, base), rounds in measured.items():
                    figures = load(base, PAGES[name])
                    if number:  # the first round warms up
                        rounds.append(figures)
            memory = [pss_mb(server_of(base)) for base in (old, new)]
    missed = False
    print(f"{os.cpu_count()} cores; before: one WSGI worker, after: a worker a core behind the front")
    for name in PAGES:
        (rate_old, cpu_old), (rate_new, cpu_new) = (medians(measured[name, base]) for base in (old, new))
        print(
            f"  {name:14} {rate_old:7.1f} -> {rate_new:7.1f} /s ({rate_new / rate_old:.2f})   "
            f"{cpu_old:7.2f} -> {cpu_new:7.2f} ms CPU ({cpu_new / cpu_old:.2f})"
        )
        missed |= name == "cached /rates" and (cpu_new > 1.5 * cpu_old or rate_new < 1.2 * rate_old)
    print(f"  memory         {memory[0]:7.0f} -> {memory[1]:7.0f} MB PSS")
    if missed:
        sys.exit("  target missed")


if __name__ == "__main__":
    main()
