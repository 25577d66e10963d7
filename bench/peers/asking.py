"""One load of wrk on one server, with the processor time that the server and PostgreSQL spent meanwhile."""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg

SCRIPT = Path(__file__).with_name("ask.lua")
NEW = "new"
# At most 20 s; idle is a tenth of a core, which the beats of four servers are below.
SETTLE_TRIES, SETTLE_SECONDS, IDLE = 100, 0.2, 0.1
LOST = ("connect", "read", "write", "timeout")


@dataclass
class Server:
    """`asked` counts the new questions, so that none comes twice."""

    name: str
    base: str
    process: psutil.Process
    asked: int = field(default=0)


@dataclass(frozen=True, slots=True)
class Load:
    """Milliseconds; `database` is PostgreSQL's processor time, None where there is none or it is on another machine."""

    requests: int
    seconds: float
    p50: float
    p99: float
    bytes: int
    refused: int
    lost: int
    cpu: float
    database: float | None

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def all_cpu(self) -> float:
        return self.cpu + (self.database or 0.0)

    @property
    def faults(self) -> int:
        """What was refused or lost; no answer at all is one."""
        return self.refused + self.lost + (self.requests == 0)


def spent(processes: Sequence[psutil.Process]) -> float:
    """Seconds of user and system time; one that ended in between counts no more."""
    total = 0.0
    for one in processes:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


class Database:
    """The processes of PostgreSQL that serve the connections to one database: others may use the same server."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True) if url else None
        self.is_here = bool(url) and urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}

    def spent(self) -> float | None:
        if self.connection is None or not self.is_here:
            return None
        question = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return spent([psutil.Process(pid) for (pid,) in self.connection.execute(question) if psutil.pid_exists(pid)])

    def close(self) -> None:
        if self.connection:
            self.connection.close()


def load(
    server: Server, addresses: Sequence[str], connections: int, seconds: int, database: Database, cookie: str = ""
) -> Load:
    """The addresses in turns, from two threads of wrk."""
    header = ["-H", f"Cookie: {cookie}"] if cookie else []
    options = ["-t2", f"-c{max(2, connections)}", f"-d{seconds}s", "--timeout", "30s", *header, "-s", str(SCRIPT)]
    words = ["wrk", *options, server.base, "--", str(server.asked), *addresses]
    before, rows_before = spent(family(server.process)), database.spent()
    output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    used, rows_after = spent(family(server.process)) - before, database.spent()
    found = measured(output, used, None if rows_before is None or rows_after is None else rows_after - rows_before)
    settle(server, database)
    if NEW in addresses:
        # Either thread takes every second number, and one may have got further than the other.
        server.asked += 2 * found.requests + 2 * connections
    return found


def settle(server: Server, database: Database) -> None:
    """wrk leaves at the end of its time, and what it had asked for is still being made."""
    for _ in range(SETTLE_TRIES):
        before = spent(family(server.process)) + (database.spent() or 0.0)
        time.sleep(SETTLE_SECONDS)
        if spent(family(server.process)) + (database.spent() or 0.0) - before <= SETTLE_SECONDS * IDLE:
            return


def measured(output: str, used: float, rows: float | None) -> Load:
    """Of the last line of wrk's output, which our script writes, and of seconds of processor time."""
    said = json.loads(output.strip().splitlines()[-1])
    count = max(1, said["requests"])
    return Load(
        requests=said["requests"],
        seconds=said["seconds"],
        p50=said["p50_ms"],
        p99=said["p99_ms"],
        bytes=said["bytes"] // count,
        refused=said["refused"],
        lost=sum(said[name] for name in LOST),
        cpu=used / count * 1000,
        database=None if rows is None else rows / count * 1000,
    )
