"""Benchmark of an instrument's page: processor time of the server for the euro over a year and over all of its days.

The archive of the NBP with the decisions and the record of every rule, on SQLite. BENCH_DATA names the DATA_DIR of an
installation that is filled already; BENCH_ROOT another working tree, so that an older commit is measured on the same
data. Targets: at most 20 ms for a year and 40 ms for all days, at most 8 statements.
"""

import json
import os
import subprocess
import sys
from textwrap import dedent

from bench.measure import ROOT, installation, run

MOST_STATEMENTS = 8
TARGETS = {"/waluty/EUR/": 20.0, "/waluty/EUR/?zakres=Max": 40.0}
OTHERS = ("/waluty/JPY/", "/waluty/HRK/", "/waluty/AED/", "/zloto/")

SCRIPT = """
    import json, sys, time
    import django
    django.setup()
    from django.db import connection
    from django.test import RequestFactory
    from django.test.utils import CaptureQueriesContext
    from django.urls import resolve
    from django_htmx.middleware import HtmxMiddleware

    def answered(address):
        request = RequestFactory().get(address)
        found = resolve(address.partition("?")[0])
        return HtmxMiddleware(lambda asked: found.func(asked, *found.args, **found.kwargs))(request)

    measured = {}
    for address in sys.argv[1:]:
        with CaptureQueriesContext(connection) as queries:
            body = answered(address).content
        measured[address] = {"queries": len(queries), "bytes": len(body), "times": []}
    for address in sys.argv[1:]:
        answered(address)
    for _ in range(15):
        for address in sys.argv[1:]:
            started = time.process_time()
            answered(address)
            measured[address]["times"].append(time.process_time() - started)
    print(json.dumps(measured))
"""


def main() -> None:
    if folder := os.environ.get("BENCH_DATA"):
        environment = {"DATA_DIR": folder, "ENV_FILE": os.devnull, "LOG_LEVEL": "ERROR", "REDIS_URL": ""}
        report(environment | {"DJANGO_SETTINGS_MODULE": "charon.settings"})
        return
    with installation(DJANGO_SETTINGS_MODULE="charon.settings") as environment:
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        run(["-c", "import django; django.setup(); from signals.tasks import catch_up; catch_up()"], environment)
        report(environment)


def report(environment: dict[str, str]) -> None:
    addresses = [*TARGETS, *OTHERS]
    made = subprocess.run(
        [sys.executable, "-c", dedent(SCRIPT), *addresses],
        cwd=os.environ.get("BENCH_ROOT", ROOT), env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True,
        check=True,
    )  # fmt: skip
    measured, missed = json.loads(made.stdout), False
    print("page of an instrument, processor time of the server (median of 15)")
    for address, one in measured.items():
        spent = sorted(one["times"])[len(one["times"]) // 2] * 1000
        missed |= spent > TARGETS.get(address, spent) or one["queries"] > MOST_STATEMENTS
        print(f"  {address:24} {spent:7.1f} ms  {one['queries']:3} statements, {one['bytes'] // 1000} kB")
    if missed:
        sys.exit("  target missed")


if __name__ == "__main__":
    main()
