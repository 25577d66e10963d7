"""Benchmark of `store.publish`: 100,000 new rates, the same again, and one day's table.

It runs on PostgreSQL and on SQLite. The rates are those of table A from 2002 on: in one save, by eight windows of 93
days, as the miner hands over what has arrived while it wrote, and by single windows for comparison only (one
transaction each). Baselines of the same run, in the same table with its indexes and keys: COPY of prepared bytes
(PostgreSQL) or one executemany upsert (SQLite, WAL) for new rows; the fastest upsert that writes only what changed for
the rest. Targets: new rows by eight and at once at most 2.5 x COPY, the same again in one save at most 2 x the fastest
upsert, one day's 33 rows at most 15 ms over the bare upsert; SQLite at most 2 x executemany for new rows.
BENCH_DATABASE_URL names another PostgreSQL server; a scratch database is made there and dropped.
"""

import json
import statistics
import sys

from bench.measure import installation, postgres, run

ON_POSTGRES = {"new, by eight": 2.5, "new, at once": 2.5, "again, at once": 2.0}
ON_SQLITE = {"new, by eight": 2.0, "new, at once": 2.0}
DAY_MS = 15


def medians(url: str = "") -> dict[str, float]:
    """The median of the rounds of each way, in seconds."""
    settings = {"DJANGO_SETTINGS_MODULE": "charon.settings"} | ({"DATABASE_URL": url} if url else {})
    with installation(**settings) as environment:
        answer = json.loads(run(["-m", "bench._ingest"], environment).output)
    found = {name: statistics.median(values) for name, values in answer.items() if isinstance(values, list)}
    return {"figures": answer["figures"], "windows": answer["windows"]} | found


def shown(name: str, found: dict[str, float], targets: dict[str, float]) -> bool:
    """Print the ratios of one database; returns whether a target was missed."""
    print(f"ingest, {name}: {found['figures']} rates of table A, {found['windows']} windows")
    missed = False
    for what in ("new", "again"):
        bare = {way: value for way, value in found.items() if way.startswith(f"{what}, bare")}
        for way, value in bare.items():
            print(f"  {way:28} {value:7.3f} s")
        for way in (f"{what}, by window", f"{what}, by eight", f"{what}, at once"):
            ratio, target = found[way] / min(bare.values()), targets.get(way)
            limit = f" (at most {target})" if target else ""
            print(f"  {way:28} {found[way]:7.3f} s  {ratio:.2f} x bare{limit}")
            missed = missed or bool(target and ratio > target)
    bare_day = min(value for way, value in found.items() if way.startswith("day, bare"))
    over = (found["day"] - bare_day) * 1000
    print(f"  {'one day, 33 rows':28} {found['day'] * 1000:7.1f} ms, {over:.1f} ms over bare (at most {DAY_MS})")
    return missed or over > DAY_MS


def main() -> None:
    with postgres() as url:
        missed = shown("PostgreSQL", medians(url), ON_POSTGRES)
    missed = shown("SQLite", medians(), ON_SQLITE) or missed
    if missed:
        sys.exit("  target missed")


if __name__ == "__main__":
    main()
