"""Benchmark of the response cache: requests per second of a cached year, beside constant bytes.

The constant response has the same size and passes the same middleware. One granian, started as `up` does, serves both
in interleaved rounds; once with Redis (a server of its own), once with the memory of the process. Target: at least 0.6
of the constant response's requests per second.
"""

import http.client
import multiprocessing
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError

from bench.measure import ROOT, installation, run
from bench.start import free_port

YEAR = "/rates?code=USD&from=2025-01-01&to=2025-12-31&limit=366"
ROUNDS, SECONDS, CLIENTS = 7, 2, 8
TARGET = 0.6


@contextmanager
def started(command: list[str], environment: dict[str, str] | None = None) -> Iterator[None]:
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def redis() -> Iterator[str]:
    """The URL of a new Redis; empty if redis-server is not installed."""
    if not shutil.which("redis-server"):
        yield ""
        return
    port = free_port()
    with started(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def web(environment: dict[str, str]) -> Iterator[str]:
    """The base URL of a granian with the options of `up`."""
    port = free_port()
    script = (
        "import os, socket, django; django.setup(); from charon.processes.listen_socket import Place; "
        "from charon.management.commands import up; "
        f"child = up.web(Place(socket.AF_INET, '127.0.0.1', {port})); "
        "os.environ.update(child.env); os.execv(child.command[0], child.command)"
    )
    settings = {**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "bench._constant"}
    with started([sys.executable, "-c", script], settings):
        base, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 30
        while not answers(base):
            if time.monotonic() > deadline:
                sys.exit("  the server does not answer")
            time.sleep(0.1)
        yield base


def answers(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def rate(base: str, path: str) -> float:
    """Requests per second, measured by wrk if it is installed, else by four client processes."""
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s", base + path]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"Requests/sec:\s+([0-9.]+)", output)
        if not found or "Non-2xx" in output:
            sys.exit(f"  wrk: {output}")
        return float(found[1])
    with multiprocessing.Pool(4) as pool:
        return sum(pool.starmap(ask, [(base.removeprefix("http://"), path)] * 4)) / SECONDS


def ask(host: str, path: str) -> int:
    """The number of responses that one client gets on one connection."""
    connection, count, deadline = http.client.HTTPConnection(host), 0, time.perf_counter() + SECONDS
    while time.perf_counter() < deadline:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"  {path} answers {answer.status}")
        count += 1
    connection.close()
    return count


def measure(environment: dict[str, str]) -> tuple[float, float, int]:
    """The median rates of the cached and of the constant response, and their size."""
    with web(environment) as base:
        with urllib.request.urlopen(base + YEAR) as answer:
            size = len(answer.read())
        paths = {"cached": YEAR, "constant": f"/constant/{size}/"}
        measured: dict[str, list[float]] = {name: [] for name in paths}
        for _ in range(ROUNDS + 1):
            for name, path in paths.items():
                measured[name].append(rate(base, path))
    cached, constant = (statistics.median(rates[1:]) for rates in measured.values())  # the first round warms up
    return cached, constant, size


def main() -> None:
    missed = []
    with installation() as environment, redis() as url:
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        print(f"cached /rates of one year beside constant bytes (median of {ROUNDS} rounds of {SECONDS} s)")
        for name, redis_url in {"memory": "", "redis": url}.items():
            if name == "redis" and not url:
                print("  redis    not measured: redis-server is not installed")
                continue
            cached, constant, size = measure(environment | {"REDIS_URL": redis_url})
            ratio = cached / constant
            print(f"  {name:8} {cached:7.0f}/s  constant {constant:7.0f}/s  {size / 1000:.0f} kB  ratio {ratio:.2f}")
            if ratio < TARGET:
                missed.append(name)
    if missed:
        sys.exit(f"  target missed with {' and '.join(missed)}: at least {TARGET}")


if __name__ == "__main__":
    main()
