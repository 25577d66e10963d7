"""Benchmark of the back-fill: the NBP's whole history from a replica with 80 ms latency.

It uses 4 connections and an empty database. Baseline of the same run: a bare loop of httpx and the parser over the same
requests and as many connections, nothing stored. Targets: the median of the rounds at most 1.5 times the baseline on
PostgreSQL (BENCH_DATABASE_URL, a scratch database) and 3 times on SQLite, under 300 MB (PSS) on both.
"""

import json
import statistics
import sys

from bench.measure import ROOT, installation, postgres, replica, run

LATENCY = 0.08
ROUNDS = 3
MOST_MB = 300

PLAN = """
import json, django
django.setup()
from markets import clock
from miner.collect.window_plan import cut
from miner.providers.nbp import NBP
windows = [(series.table, *map(str, window))
           for series in NBP.series for window in cut((series.first, clock.today()), series.window)]
print(json.dumps(windows))
"""

BARE = """
import json, sys, httpx
from concurrent.futures import ThreadPoolExecutor
from miner.providers.nbp import parse_gold, parse_tables

base, windows = sys.argv[1], json.loads(sys.argv[2])
with httpx.Client() as client, ThreadPoolExecutor(4) as pool:
    def work(window):
        table, start, end = window
        path = "cenyzlota" if table == "gold" else f"exchangerates/tables/{table}"
        answer = client.get(f"{base}{path}/{start}/{end}/?format=json")
        if answer.status_code == 404:
            return 0
        tables = parse_gold(answer.content, base) if table == "gold" else parse_tables(answer.content, table, base)
        return sum(len(one.rates) for one in tables)
    print(len(windows), sum(pool.map(work, windows)))
"""


def one_round(url: str, plan: str, database: str) -> float:
    """The time of `mine nbp` as a multiple of the bare loop's."""
    settings = {"NBP_BASE_URL": url, "NBP_CONNECTIONS": "4"} | ({"DATABASE_URL": database} if database else {})
    bare = run(["-c", BARE, url, plan], {"PYTHONPATH": str(ROOT)})
    with installation(**settings) as environment:
        full = run(["manage.py", "mine", "nbp", "--json"], environment)
    rows = sum(table["rows_written"] for table in json.loads(full.output)["tables"])
    requests, rates = bare.output.split()
    name, ratio = "PostgreSQL" if database else "SQLite", full.seconds / bare.seconds
    print(f"back-fill, {name}: {requests} requests, {rates} rates, {LATENCY * 1000:.0f} ms latency")
    print(f"  bare httpx + parse   {bare.seconds:6.1f} s")
    print(f"  mine nbp             {full.seconds:6.1f} s  {ratio:.2f} x bare, {rows} rows, {full.peak_mb:.0f} MB")
    if full.peak_mb > MOST_MB:
        sys.exit(f"  target missed: under {MOST_MB} MB")
    return ratio


def main() -> None:
    plan = run(["-c", PLAN], {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}).output
    on_postgres = []
    with replica(LATENCY) as url:
        for _ in range(ROUNDS):
            with postgres() as database:
                on_postgres.append(one_round(url, plan, database))
        on_sqlite = [one_round(url, plan, "") for _ in range(ROUNDS)]
    missed = False
    for name, ratios, target in (("PostgreSQL", on_postgres, 1.5), ("SQLite", on_sqlite, 3)):
        ratio = statistics.median(ratios)
        print(f"  {name}: {ratio:.2f} x bare, the median of {len(ratios)} rounds (at most {target})")
        missed = missed or ratio > target
    if missed:
        sys.exit("  target missed")


if __name__ == "__main__":
    main()
