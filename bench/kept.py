"""Benchmark of what the front keeps: processor time and requests a second, beside constant bytes of the same size.

Charon, started as `up` does, and granian's WSGI with constant bytes and no framework, both with as many workers as
there are cores, asked in turns. Answers are packed, as browsers take them. Targets: at most twice the processor time of
the constant bytes, and for a page at least 0.7 of the requests of a kept answer of the API with as many bytes.
"""

import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench.cached import YEAR, answers, started, web
from bench.front import server_of, spent
from bench.measure import installation, run
from bench.start import free_port

ROUNDS, SECONDS, CLIENTS = 7, 3, 16
DASHBOARD, PAGE = "/", "/waluty/USD/"
# About as many packed bytes as the dashboard.
AS_LARGE = "/rates?code=USD&from=2018-01-01&to=2025-12-31&limit=2100"
PATHS = (YEAR, AS_LARGE, DASHBOARD, PAGE)
MOST_CPU, LEAST_RATE = 2.0, 0.7


@contextmanager
def constant() -> Iterator[str]:
    port = free_port()
    options = ["--interface", "wsgi", "--http", "1", "--workers", str(len(os.sched_getaffinity(0)))]
    command = [sys.executable, "-m", "granian", *options, "--port", str(port), "--log-level", "error"]
    with started([*command, "bench._constant_wsgi:application"], {**os.environ}):
        base = f"http://127.0.0.1:{port}"
        while not answers_size(base):
            time.sleep(0.1)
        yield base


def answers_size(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/2", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def size_of(address: str) -> int:
    asked = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(asked) as answer:
        return len(answer.read())


def load(base: str, path: str) -> tuple[float, float]:
    """Requests a second, and microseconds of the server's processors for one."""
    process = server_of(base)
    first = spent(process)
    words = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s", "-H", "Accept-Encoding: gzip", base + path]
    output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    used = spent(process) - first
    found = re.search(r"(\d+) requests in ([0-9.]+)s", output)
    if not found or "Non-2xx" in output:
        sys.exit(f"  wrk: {output}")
    return int(found[1]) / float(found[2]), used / int(found[1]) * 1e6


def main() -> None:
    with installation(DB_POOL="1") as environment:
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        with web(environment) as kept, constant() as plain:
            assert answers(kept)
            sizes = {path: size_of(kept + path) for path in PATHS}
            asked = [(path, base, kept) for path in PATHS for base in (kept, plain)]
            measured: dict[tuple[str, str], list[tuple[float, float]]] = {(path, base): [] for path, base, _ in asked}
            for number in range(ROUNDS + 1):
                for path, base, ours in asked:
                    figures = load(base, path if base == ours else f"/{sizes[path]}")
                    if number:  # the first round warms up
                        measured[path, base].append(figures)
    report(sizes, measured, kept, plain)


def report(
    sizes: dict[str, int], measured: dict[tuple[str, str], list[tuple[float, float]]], kept: str, plain: str
) -> None:
    middle = {key: tuple(map(statistics.median, zip(*rounds, strict=True))) for key, rounds in measured.items()}
    missed = []
    print(f"{os.cpu_count()} cores; kept answers beside constant bytes of granian's WSGI, medians of {ROUNDS} rounds")
    for path in PATHS:
        (rate, cpu), (rate_plain, cpu_plain) = middle[path, kept], middle[path, plain]
        told = f"{rate:7.0f}/s {cpu:5.0f} us   constant {rate_plain:7.0f}/s {cpu_plain:5.0f} us"
        print(f"  {path[:40]:40} {sizes[path] / 1000:6.1f} kB {told}   ratio {cpu / cpu_plain:.2f}")
        missed += [path] if cpu > MOST_CPU * cpu_plain else []
    beside = middle[DASHBOARD, kept][0] / middle[AS_LARGE, kept][0]
    print(f"  {DASHBOARD} beside the answer of the API: {beside:.2f} of its requests a second")
    if missed or beside < LEAST_RATE:
        sys.exit(f"  target missed: {', '.join(missed) or 'pages'}")


if __name__ == "__main__":
    main()
