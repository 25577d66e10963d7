"""Benchmark of a first start without a network: from `up` on an empty folder to all signals.

Target: under 60 s, with the packages installed. Baseline of the same run: the second start, which finds all stored.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from urllib.error import URLError

from bench.measure import ROOT

LIMIT = 120
PAUSE = 0.2


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


def started(folder: str, port: int) -> float:
    environment = {
        **os.environ, "DATA_DIR": folder, "ENV_FILE": os.devnull, "PORT": str(port), "NBP_BASE_URL": "http://127.0.0.1:9/",
        "REDIS_URL": "", "LOG_LEVEL": "ERROR", "LIMIT_READS": "0",
    }  # fmt: skip
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    ) as up:
        try:
            while not full(f"http://127.0.0.1:{port}"):
                if time.perf_counter() - begun > LIMIT or up.poll() is not None:
                    sys.exit(f"  not full after {LIMIT} s (exit code {up.poll()})")
                time.sleep(PAUSE)
            return time.perf_counter() - begun
        finally:
            up.send_signal(signal.SIGTERM)


def main() -> None:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="charon-bench-") as folder:
        first, second = started(folder, port), started(folder, port)
    print("start without a network")
    print(f"  first, until every signal is shown   {first:6.1f} s  {first / second:.1f} x the second")
    print(f"  second                               {second:6.1f} s")
    if first > 60:
        sys.exit("  target missed: under 60 s")


if __name__ == "__main__":
    main()
