"""The embedded archive into an empty SQLite, and the second start that finds it there.

Baseline of the same run: the same figures read from the package and put into a bare sqlite3 table in one transaction.
Targets: under 30 s on two cores; a second start under 5 s with nothing written.
"""

import hashlib
import sqlite3
import sys
from pathlib import Path

from bench.measure import ROOT, installation, run

BARE = """
import sqlite3, sys
from miner.providers.nbp_archive import NBPArchive
series = NBPArchive.series[0]
rows = [(figure.code, table.effective_date.isoformat(), table.table, str(figure.mid))
        for table in NBPArchive().fetch_rates(series.first, series.last) for figure in table.figures]
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("create table rate (code, day, letter, mid decimal, unique (code, day, letter))")
    db.executemany("insert into rate values (?, ?, ?, ?)", rows)
print(len(rows))
"""


def digest(folder: str) -> str:
    """What the tables hold, as one number: equal before and after a start that wrote nothing."""
    with sqlite3.connect(Path(folder) / "charon.sqlite3") as db:
        state = hashlib.sha256()
        for table in ("markets_rate", "markets_quote", "markets_instrument", "markets_ingest"):
            for row in db.execute(f"SELECT * FROM {table} ORDER BY id"):
                state.update(repr(row).encode())
    return state.hexdigest()


def main() -> None:
    with installation() as environment:
        bare = run(["-c", BARE, str(Path(environment["DATA_DIR"]) / "bare.sqlite3")], {"PYTHONPATH": str(ROOT)})
        first = run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        before = digest(environment["DATA_DIR"])
        second = run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        unchanged = digest(environment["DATA_DIR"]) == before
    print(f"archive: {bare.output.strip()} figures")
    print(f"  bare read + insert   {bare.seconds:6.1f} s")
    print(
        f"  first load           {first.seconds:6.1f} s  {first.seconds / bare.seconds:.2f} x bare, "
        f"{first.peak_mb:.0f} MB"
    )
    print(f"  second start         {second.seconds:6.1f} s  {'nothing written' if unchanged else 'ROWS CHANGED'}")
    if first.seconds > 30 or second.seconds > 5 or not unchanged:
        sys.exit("  target missed: first under 30 s, second under 5 s, nothing written")


if __name__ == "__main__":
    main()
