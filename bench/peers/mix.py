"""A minute of everything at once, 64 connections: pages, the newest rates, a year, a tax rate, and a tenth of it new.

    make bench-peers MIX=60      # seconds of each server

The peers have no pages and no tax rates: they are asked for what they have, the newest rates, one year and as large a
part of new questions. One server after the other, since what is wanted is the 99th of 100 under all of the machine. An
error fails the run; memory is flat where the last fifth of the time takes at most 5 % more than the second.
"""

import argparse
import shutil
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from bench.measure import pss_mb
from bench.peers.__main__ import filled, machine
from bench.peers.asking import NEW, Database, Load, Server, load
from bench.peers.servers import ASYNCPG, OBJECTS, OURS, OURS_REDIS, NotHere, start
from bench.peers.targets import row, short, table
from bench.peers.works import DASHBOARD, INSTRUMENT, WHOLE, YEAR

TAX_RATE = "/tax-rate?code=USD&date=2025-03-17&rule=pit"
# Each a tenth.
OURS_ASKED = (
    DASHBOARD, YEAR + WHOLE, INSTRUMENT, "/latest", YEAR + WHOLE, TAX_RATE, NEW, "/waluty/USD/", YEAR + WHOLE,
    "/latest",
)  # fmt: skip
PEERS_ASKED = (*(YEAR,) * 3, *("/latest",) * 2, NEW, *(YEAR,) * 3, "/latest")
ASKED = {OURS: OURS_ASKED, OURS_REDIS: OURS_ASKED, OBJECTS: PEERS_ASKED, ASYNCPG: PEERS_ASKED}
FLAT = 1.05


class Memory(threading.Thread):
    """The memory (PSS) of a process with its children, twice a second until `stop`."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process, self.seen, self.over = process, [pss_mb(process)], threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.5):
            self.seen.append(pss_mb(self.process))

    def stop(self) -> list[float]:
        self.over.set()
        self.join()
        return self.seen


@dataclass(frozen=True, slots=True)
class Minute:
    name: str
    load: Load
    memory: Sequence[float]

    def fifth(self, number: int) -> float:
        length = max(1, len(self.memory) // 5)
        return median(self.memory[number * length : (number + 1) * length] or self.memory[-length:])

    @property
    def is_flat(self) -> bool:
        return self.fifth(4) <= FLAT * self.fifth(1)

    def line(self) -> str:
        of, memory = self.load, f"{self.fifth(1):.0f} → {self.fifth(4):.0f}, {'flat' if self.is_flat else '**grows**'}"
        database = "–" if of.database is None else short(of.database)
        figures = (of.rate, of.p50, of.p99, of.cpu)
        return row(self.name, *(short(one) for one in figures), database, str(of.faults), memory)


def minute(server: Server, clients: int, seconds: int, database: Database) -> Minute:
    """After a tenth of the time for what is made once."""
    load(server, ASKED[server.name], clients, max(1, seconds // 10), database)
    memory = Memory(server.process)
    memory.start()
    found = load(server, ASKED[server.name], clients, seconds, database)
    return Minute(server.name, found, memory.stop())


def minutes(
    environment: dict[str, str], names: Sequence[str], clients: int, seconds: int
) -> tuple[list[Minute], list[str]]:
    """What was measured, and what was not here."""
    found, said = [], []
    database = Database(environment.get("DATABASE_URL", ""))
    with tempfile.TemporaryDirectory(prefix="charon-peers-") as folder:
        for name in names:
            with ExitStack() as stack:
                try:
                    server = start(stack, name, environment, Path(folder))
                except NotHere as reason:
                    said.append(f"{name}: not installed here: {reason}")
                    continue
                found.append(minute(server, clients, seconds, database))
    database.close()
    return found, said


HEAD = ("server", "requests/s", "p50 ms", "p99 ms", "CPU ms, server", "CPU ms, PostgreSQL", "errors", "MB (PSS)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers.mix")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--connections", type=int, default=64)
    asked = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed. On Debian: apt install wrk")
    with filled() as environment:
        found, said = minutes(environment, list(ASKED), asked.connections, asked.seconds)
        print(machine(environment, [asked.connections], asked.seconds, 1), "", sep="\n")
    print("\n".join(f"Not measured: {one}.\n" for one in said), table(HEAD, [one.line() for one in found]), sep="\n")
    if wrong := [f"{one.name}: {one.load.faults} errors" for one in found if one.load.faults]:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
