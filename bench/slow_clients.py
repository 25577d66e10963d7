"""Clients that are slow to send or to read, by the thousand: what they cost others, and when they are closed.

Of each kind so many connections are held against a server that is started as `up` does: bodies that never come, half a
header, idle ones that were answered, readers that do not read. Meanwhile `/health` is asked. Limits: 0.2 s, and all
closed within 40 s. With an address in the environment (SLOW_URL) a server of this machine is asked instead, a proxy for
one; that has 75 s.
"""

import http.client
import os
import resource
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil

from bench.cached import web
from bench.measure import installation, run

CONNECTIONS = int(os.environ.get("SLOW_CONNECTIONS", "1000"))
LIMIT_SECONDS = 0.2
# A proxy has longer limits than the kernel has for us (ops/Caddyfile).
CLOSED_WITHIN = 75.0 if os.environ.get("SLOW_URL") else 40.0
LARGE = "/rates?code=USD&from=2000-01-01&limit=10000"
KINDS = {
    "slow bodies": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\nx",
    "half headers": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half:",
    "idle": b"GET /static/app.css HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "slow readers": f"GET {LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
}


def hold(host: str, port: int, words: bytes, count: int) -> Iterator[socket.socket]:
    """So many connections that say these words and nothing more, with the smallest buffer for what comes back."""
    for _ in range(count):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect((host, port))
        one.sendall(words)
        if words.endswith(b"\r\n\r\n"):
            one.recv(1, socket.MSG_PEEK)  # answered: so many at once would be a load, not slow clients
        yield one


def ask(host: str, port: int) -> float:
    """How long a new client waits for `/health`."""
    started = time.perf_counter()
    caller = http.client.HTTPConnection(host, port, timeout=30)
    caller.request("GET", "/health")
    if (status := caller.getresponse().status) != 200:
        sys.exit(f"  /health answers {status}")
    caller.close()
    return time.perf_counter() - started


def open_at(port: int) -> int:
    """The connections that the server still holds; those of `ask` are over."""
    return sum(
        one.status == "ESTABLISHED" and one.laddr[1:] == (port,) and bool(one.pid)
        for one in psutil.net_connections("tcp")
    )


def measure(host: str, port: int, words: bytes, count: int) -> tuple[list[float], float]:
    """The waits of `/health`, and after how many seconds the last of the connections was closed (0: not in time)."""
    started, waits = time.monotonic(), []
    held = list(hold(host, port, words, count))
    try:
        while time.monotonic() - started < CLOSED_WITHIN:
            waits.append(ask(host, port))
            if not open_at(port):
                return waits, time.monotonic() - started
            time.sleep(0.1)
        return waits, 0.0
    finally:
        for one in held:
            one.close()


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    if url := os.environ.get("SLOW_URL"):
        parts = urlsplit(url)
        yield str(parts.hostname), parts.port or 80
        return
    with installation() as environment:
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        with web(environment) as base:
            parts = urlsplit(base)
            for _ in range(20):  # the first answer of a worker opens its connection to the database
                ask(str(parts.hostname), parts.port or 80)
            yield str(parts.hostname), parts.port or 80


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    missed = []
    with server() as (host, port):
        print(f"{CONNECTIONS} connections of each kind, and how long /health takes meanwhile")
        for kind, words in KINDS.items():
            waits, closed = measure(host, port, words, CONNECTIONS)
            worst, median = max(waits), statistics.median(waits)
            ended = f"all closed after {closed:.1f} s" if closed else f"not all closed after {CLOSED_WITHIN:.0f} s"
            print(f"  {kind:13} median {median * 1000:5.0f} ms, worst {worst * 1000:5.0f} ms; {ended}", flush=True)
            if worst > LIMIT_SECONDS or not closed:
                missed.append(kind)
    if missed:
        sys.exit(f"  target missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
