"""Charon beside what one would pick instead, on one database: requests a second and processor time for each.

    make bench-peers [ROUNDS=5] [SECONDS_EACH=3] [CONNECTIONS=16,64] [ONLY=cold,cached,twenty,file,pages,uncached]

Everything is started at once and asked in turns, round by round; the report is Markdown, for docs/performance.md. An
answer that is an error, or a body that differs from ours, fails the run; a missed target does so with `--strict` alone.
Without PostgreSQL (BENCH_DATABASE_URL) or without a program, what needs it is said to be not here. wrk must be there.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import httpx
import psycopg

from bench.load import fill
from bench.measure import ROOT, installation, postgres
from bench.peers import targets
from bench.peers.asking import NEW, Database, Load, Server, load
from bench.peers.servers import ASYNCPG, BOLT, COLUMNS, OBJECTS, OURS, PYTHON, NotHere, start
from bench.peers.works import CLOSED, DASHBOARD, INSTRUMENT, TWENTY, WHOLE, YEAR, Way, Work, works

Measured = dict[tuple[str, str, int], list[Load]]
PEERS = (OBJECTS, COLUMNS, ASYNCPG, BOLT)
PACKAGES = ("fastapi", "sqlalchemy", "asyncpg", "orjson", "uvicorn", "uvloop", "django-bolt")


@contextmanager
def filled(*, with_postgres: bool = True) -> Iterator[dict[str, str]]:
    """An installation with the archive and its signals; the statistics are made as autovacuum would within a minute."""
    with ExitStack() as stack:
        more = {"DATABASE_URL": stack.enter_context(postgres())} if with_postgres else {}
        environment = stack.enter_context(installation(DB_POOL="1", **more))
        fill(environment)
        if more:
            with psycopg.connect(more["DATABASE_URL"], autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
        yield environment


def body(base: str, address: str) -> bytes:
    answer = httpx.get(base + address, timeout=60, headers={"Accept-Encoding": "identity"})
    return answer.raise_for_status().content


def write_files(server: Server, files: Path) -> None:
    """What Charon answers, for those that send ready bytes."""
    files.mkdir(exist_ok=True)
    for name, address in {"year": YEAR, "twenty": TWENTY}.items():
        (files / f"{name}.json").write_bytes(body(server.base, address + WHOLE))
    closed = files / CLOSED.removeprefix("/")
    closed.parent.mkdir(parents=True, exist_ok=True)
    closed.write_bytes((files / "year.json").read_bytes())


def sizes(server: Server) -> tuple[dict[str, int], float]:
    """Of the pages, and of one row of `/rates`."""
    answer = body(server.base, YEAR + WHOLE)
    rows = json.loads(answer)["count"]
    return {page: len(body(server.base, page)) for page in (DASHBOARD, INSTRUMENT)}, len(answer) / max(1, rows)


def different(running: dict[str, Server], asked: Sequence[Work]) -> list[str]:
    """The ways whose answer is not that of Charon, figure by figure."""
    found = []
    for work in asked:
        ours = next((way for way in work.ways if way.server == OURS), None)
        if work.key not in {"cold", "cached", "twenty", "file"} or ours is None or OURS not in running:
            continue
        address = YEAR + WHOLE if ours.address == NEW else ours.address
        expected = json.loads(body(running[OURS].base, address))
        for way in work.ways:
            if way.server in running and not is_same(running[way.server], way, address, expected):
                found.append(f"{work.key}: {way.name} answers something else")  # noqa: PERF401
    return found


def is_same(server: Server, way: Way, address: str, expected: object) -> bool:
    return bool(json.loads(body(server.base, address if way.address == NEW else way.address)) == expected)


def rounds(
    environment: dict[str, str],
    only: Sequence[str],
    connections: Sequence[int],
    seconds: int,
    count: int,
    leave_out: Sequence[str] = (),
) -> tuple[Measured, list[str], dict[str, int]]:
    """The loads, what was not here and what was wrong, and the bytes of twenty years as they are sent."""
    measured: Measured = {}
    said: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="charon-peers-")))
        running = {OURS: start(stack, OURS, environment, folder)}
        write_files(running[OURS], folder / "files")
        asked = [work for work in works(*sizes(running[OURS])) if work.key in only]
        for name in dict.fromkeys(way.server for work in asked for way in work.ways if way.server not in leave_out):
            if name in running:
                continue
            try:
                running[name] = start(stack, name, environment, folder / "files")
            except NotHere as reason:
                said.append(f"{name}: not installed here: {reason}")
        if wrong := different(running, asked):
            sys.exit("\n".join(wrong))
        database = Database(environment.get("DATABASE_URL", ""))
        stack.callback(database.close)
        for number in range(count + 1):
            for work, way, clients in turns(asked, running, connections, number):
                found = load(running[way.server], [way.address], clients, seconds, database, way.cookie)
                if number:  # the first round warms up
                    measured.setdefault((work.key, way.name, clients), []).append(found)
        return measured, said, packed(running[OURS])


def turns(
    asked: Sequence[Work], running: dict[str, Server], connections: Sequence[int], number: int
) -> Iterator[tuple[Work, Way, int]]:
    """The contenders one after the other, every second round in the other order."""
    for work in asked:
        ways = [way for way in work.ways if way.server in running]
        for clients in work.connections or connections:
            for way in ways if number % 2 else reversed(ways):
                yield work, way, clients


def packed(server: Server) -> dict[str, int]:
    found = {}
    for coding in ("gzip", "br", "zstd"):
        with httpx.stream(
            "GET", server.base + TWENTY + WHOLE, headers={"Accept-Encoding": coding}, timeout=60
        ) as answer:
            size = sum(len(part) for part in answer.iter_raw())
            if answer.headers.get("content-encoding") == coding:
                found[coding] = size
    return found


def machine(environment: dict[str, str], connections: Sequence[int], seconds: int, count: int) -> str:
    of = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in ("django", "granian"))]
    if Path(PYTHON).exists():
        script = f"from importlib.metadata import version\nfor n in {PACKAGES!r}: print(n, version(n))"
        done = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True, check=False)
        names += done.stdout.splitlines()
    if url := environment.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            names.append(f"PostgreSQL {connection.info.server_version // 10000}")
    if program := shutil.which("nginx"):
        names.append(subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stderr.strip())
    load_now = "/".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {load_now} at the end, commit "
        f"{of.stdout.strip() or 'unknown'}; {', '.join(names)}. {count} rounds of {seconds} s, "
        f"{' and '.join(str(one) for one in connections)} connections, medians with the lowest and the highest."
    )


def wire(sent: dict[str, int]) -> str:
    if not sent:
        return "Twenty years of one currency go out unpacked to whoever takes gzip, brotli or zstd."
    sizes_said = ", ".join(f"{size / 1000:.1f} kB ({coding})" for coding, size in sorted(sent.items()))
    said = "met" if min(sent.values()) <= targets.WIRE_LIMIT else "**missed**"
    return f"Twenty years of one currency as they are sent: {sizes_said}; target at most 28 kB: {said}."


def report(measured: Measured, said: list[str], sent: dict[str, int], head: str) -> str:
    parts = [head, *(f"Not measured: {one}." for one in said)]
    titles = {work.key: work.title for work in works({DASHBOARD: 1, INSTRUMENT: 1}, 1)}
    for key in dict.fromkeys(work for work, *_ in measured):
        parts += [f"{titles[key]}:", targets.figures(key, measured)]
    parts += [wire(sent), "Beside the targets (times: how many times as good; at most: how much of the other's CPU):"]
    return "\n\n".join([*parts, targets.judgement(targets.verdicts(measured))])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers")
    parser.add_argument("--only", default="cold,cached,twenty,file,pages,uncached")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", default="16,64")
    parser.add_argument("--strict", action="store_true", help="fail where a target is missed")
    asked = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed. On Debian: apt install wrk")
    connections = [int(one) for one in asked.connections.split(",")]
    with filled() as environment:
        measured, said, sent = rounds(environment, asked.only.split(","), connections, asked.seconds, asked.rounds)
        print(report(measured, said, sent, machine(environment, connections, asked.seconds, asked.rounds)))
    if faults := {key: sum(one.faults for one in loads) for key, loads in measured.items()}:
        wrong = {key: count for key, count in faults.items() if count}
        if wrong:
            sys.exit("\n".join(f"{' '.join(map(str, key))}: {count} errors" for key, count in wrong.items()))
    missed = [one for one in targets.verdicts(measured) if one.is_met is False]
    if asked.strict and missed:
        sys.exit(f"{len(missed)} targets missed")


if __name__ == "__main__":
    main()
