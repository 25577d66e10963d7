"""The measuring of a benchmark: wall time and peak memory (PSS) of a process with its children."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil
import psycopg

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.1


class Measured(NamedTuple):
    seconds: float
    peak_mb: float
    output: str


def pss_mb(process: psutil.Process) -> float:
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 1e6


def run(arguments: list[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Run `python ARGUMENTS`; its memory is sampled ten times a second. A failure ends the benchmark."""
    started, peak = time.perf_counter(), 0.0
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=output,
        )
        process = psutil.Process(child.pid)
        while child.poll() is None:
            try:
                peak = max(peak, pss_mb(process))
            except psutil.NoSuchProcess:
                break
            try:
                child.wait(SAMPLE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        seconds = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    if child.wait():
        sys.exit(f"{' '.join(arguments)} ended with {child.returncode}:\n{text}")
    return Measured(seconds, peak, text)


@contextmanager
def installation(**environment: str) -> Iterator[dict[str, str]]:
    """The environment of an empty, migrated and synced Charon on SQLite in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="charon-bench-") as folder:
        # Callers are counted as in a real installation, and never refused.
        limits = {f"LIMIT_{kind}": "1000000000" for kind in ("READS", "WRITES", "HEAVY")}
        fixed = {"DATA_DIR": folder, "ENV_FILE": os.devnull, "LOG_LEVEL": "ERROR", "REDIS_URL": ""}
        settings = fixed | limits | environment
        run(["manage.py", "migrate", "--verbosity", "0"], settings)
        run(["manage.py", "sync"], settings)
        yield settings


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a scratch database on the server of BENCH_DATABASE_URL; it is dropped at the end."""
    server = urlsplit(os.environ.get("BENCH_DATABASE_URL", "postgres://root@127.0.0.1:5432"))
    name = f"charon_bench_{os.getpid()}"
    with psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def replica(latency: float, source: str = "nbp") -> Iterator[str]:
    """The replica of a source as a process of its own; its address."""
    arguments = [sys.executable, "-m", "tests.replica", source, "--port", "0", "--latency", str(latency)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()
