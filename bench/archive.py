"""Benchmark of the embedded archive: first load into empty SQLite and PostgreSQL, and second start.

Baseline of the same run: the same rates read from the package and inserted into a bare sqlite3 table, one transaction;
on PostgreSQL COPY of prepared bytes into the same indexed table, and the parsing alone. Targets on both: under 30 s on
two cores; a second start under 5 s with nothing written. On PostgreSQL, of two idle cores, the load at most 1.3 times
the slower of parsing and COPY; processor time is told beside, since the clock says little on a machine that is shared.
"""

import hashlib
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import psycopg

from bench.measure import ROOT, Measured, installation, postgres, run

TABLES = ("markets_rate", "markets_quote", "markets_instrument", "markets_ingest")

BARE = """
import sqlite3, sys
from miner.providers.nbp_archive import NBPArchive
series = NBPArchive.series[0]
rows = [(rate.code, table.effective_date.isoformat(), table.table, str(rate.mid))
        for table in NBPArchive().fetch_rates(series.first, series.last) for rate in table.rates]
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("create table rate (code, day, letter, mid decimal, unique (code, day, letter))")
    db.executemany("insert into rate values (?, ?, ?, ?)", rows)
print(len(rows))
"""


def digest(environment: dict[str, str]) -> str:
    """A hash of the tables: equal before and after a start that wrote nothing."""
    state, url = hashlib.sha256(), environment.get("DATABASE_URL")
    opened = psycopg.connect(url) if url else sqlite3.connect(Path(environment["DATA_DIR"]) / "charon.sqlite3")
    with closing(opened) as connection:
        for table in TABLES:
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY id"):
                state.update(repr(row).encode())
    return state.hexdigest()


PARSE = """
import time
from miner.collect import window_plan
from miner.providers.nbp_archive import NBPArchive
series = NBPArchive.series[0]
began = time.process_time()
for window in window_plan.cut((series.first, series.last), series.window):
    NBPArchive().fetch_rates(*window)
print(time.process_time() - began)
"""

LOAD = """
import time, django
django.setup()
from django.core.management import call_command
wall, cpu = time.perf_counter(), time.process_time()
call_command("mine", "nbp_archive", json=True)
print()
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def raw_copy(url: str) -> tuple[float, float]:
    """COPY of the rows that the load has written, as prepared bytes: the clock, and the server's processor time."""
    fields = 'instrument_id, source_id, "table", effective_date, mid, bid, ask, scale, publication_id'
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        server = psutil.Process(connection.info.backend_pid)
        with cursor.copy(f"COPY (SELECT {fields} FROM markets_rate ORDER BY id) TO STDOUT") as stream:
            body = b"".join(bytes(part) for part in stream)
        cursor.execute("TRUNCATE markets_revision, markets_rate")
        before, began = server.cpu_times(), time.perf_counter()
        with cursor.copy(f"COPY markets_rate ({fields}) FROM STDIN") as stream:
            stream.write(body)
        connection.commit()
        after = server.cpu_times()
        return time.perf_counter() - began, after.user + after.system - before.user - before.system


def beside_copy(url: str, environment: dict[str, str]) -> None:
    django = environment | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "charon.settings"}
    parsing = float(run(["-c", f"import django; django.setup(){PARSE}"], django).output.split()[-1])
    wall, cpu = (float(word) for word in run(["-c", LOAD], django).output.split()[-2:])
    copy_wall, copy_cpu = raw_copy(url)
    slower = max(parsing, copy_wall)
    print("archive, PostgreSQL, beside parsing and COPY")
    print(f"  parsing alone        {parsing:6.2f} s CPU")
    print(f"  COPY alone           {copy_wall:6.2f} s, the server's CPU {copy_cpu:.2f} s")
    print(
        f"  first load           {wall:6.2f} s, {wall / slower:.2f} x the slower; CPU {cpu:.2f} s beside the server's"
    )


def load(name: str, environment: dict[str, str], bare: Measured) -> bool:
    """The first load and the second start on one database; whether a target was missed."""
    first = run(["manage.py", "mine", "nbp_archive", "--json"], environment)
    before = digest(environment)
    second = run(["manage.py", "mine", "nbp_archive", "--json"], environment)
    unchanged = digest(environment) == before
    ratio = first.seconds / bare.seconds
    print(f"archive, {name}: {bare.output.strip()} rates")
    print(f"  bare read + insert   {bare.seconds:6.1f} s")
    print(f"  first load           {first.seconds:6.1f} s  {ratio:.2f} x bare, {first.peak_mb:.0f} MB")
    print(f"  second start         {second.seconds:6.1f} s  {'nothing written' if unchanged else 'ROWS CHANGED'}")
    return first.seconds > 30 or second.seconds > 5 or not unchanged


def main() -> None:
    with installation() as environment:
        bare = run(["-c", BARE, str(Path(environment["DATA_DIR"]) / "bare.sqlite3")], {"PYTHONPATH": str(ROOT)})
        missed = load("SQLite", environment, bare)
    with postgres() as url, installation(DATABASE_URL=url) as environment:
        missed = load("PostgreSQL", environment, bare) or missed
    with postgres() as url, installation(DATABASE_URL=url) as environment:
        beside_copy(url, environment)
    if missed:
        sys.exit("  target missed: first under 30 s, second under 5 s, nothing written")


if __name__ == "__main__":
    main()
