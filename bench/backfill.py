"""The whole history of the NBP from the replica at 80 ms latency into an empty SQLite, over 4 connections.

Baseline of the same run: a bare loop of httpx and the parser over the same requests and as many connections, nothing
stored. Targets: at most 3 times the baseline, under 300 MB (PSS).
"""

import json
import sys

from bench.measure import ROOT, installation, replica, run

LATENCY = 0.08
ROUNDS = 2

PLAN = """
import json, django
django.setup()
from markets import clock
from miner.backfill import cut
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
        return sum(len(one.figures) for one in tables)
    print(len(windows), sum(pool.map(work, windows)))
"""


def main() -> None:
    missed = False
    plan = run(["-c", PLAN], {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}).output
    with replica(LATENCY) as url:
        for number in range(1, ROUNDS + 1):
            bare = run(["-c", BARE, url, plan], {"PYTHONPATH": str(ROOT)})
            with installation(NBP_BASE_URL=url, NBP_CONNECTIONS="4") as environment:
                full = run(["manage.py", "mine", "nbp", "--json"], environment)
            rows = sum(table["rows_written"] for table in json.loads(full.output)["tables"])
            ratio = full.seconds / bare.seconds
            requests, figures = bare.output.split()
            print(f"back-fill, round {number}: {requests} requests, {figures} figures, {LATENCY * 1000:.0f} ms latency")
            print(f"  bare httpx + parse   {bare.seconds:6.1f} s")
            print(
                f"  mine nbp             {full.seconds:6.1f} s  {ratio:.2f} x bare, {rows} rows, {full.peak_mb:.0f} MB"
            )
            missed = missed or ratio > 3 or full.peak_mb > 300
    if missed:
        sys.exit("  target missed: at most 3 x bare, under 300 MB")


if __name__ == "__main__":
    main()
