"""Benchmark of the embedded archive: first load into empty SQLite and PostgreSQL, and second start.

Baseline of the same run: the same rates read from the package and inserted into a bare sqlite3 table, one transaction.
Targets on both: under 30 s on two cores; a second start under 5 s with nothing written.
"""

import hashlib
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

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
    if missed:
        sys.exit("  target missed: first under 30 s, second under 5 s, nothing written")


if __name__ == "__main__":
    main()
