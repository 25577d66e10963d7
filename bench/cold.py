"""Benchmark of the API's answers that are not kept: processor time of one, through every middleware, on PostgreSQL.

BENCH_FILLED names the database of an installation that is filled already; without it the archive of the NBP is loaded
and decided on, which has no candles and no prices: their lists are empty. BENCH_ROOT names another working tree, which
takes turns with this one on the same data. Told are web's milliseconds and, behind the plus, those of PostgreSQL's
process. Limit: no answer may cost more than 12 ms of web.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from statistics import median
from textwrap import dedent

import psycopg

from bench.measure import ROOT, installation, postgres, run
from markets.clock import WARSAW

ROUNDS, LIMIT = 5, 12.0
TODAY = datetime.now(WARSAW).date()
YEAR = "from=2025-09-01&to=2026-09-01"
ASKED = (
    *("/latest", "/latest?code=USD", "/latest?base=EUR"),
    *(f"/candles?symbol=BTCUSDT&timeframe=1h&limit={limit}" for limit in (200, 1000)),
    *("/prices?asset=BTC&window=24h", "/prices?asset=BTC&window=7d", "/prices/latest", "/prices/latest?asset=BTC"),
    *("/prices/summary?asset=BTC&window=24h",),
    *("/signals", "/signals?code=USD", "/signals?rule=all&limit=1000", "/signals/current"),
    *("/signals/current?rule=all&limit=1000",),
    *(f"/rates?code=USD,EUR,CHF&{YEAR}&limit=1000", f"/rates?code=USD&base=EUR&{YEAR}&limit=366"),
    *("/rates?code=USD&fill=previous&from=2026-09-01&to=2026-09-30", "/rates?code=USD&date=2026-09-12"),
    f"/rates?code=USD&group=month&{YEAR}",
    *("/revisions", "/revisions?limit=1000", "/revisions?code=USD"),
    *("/convert?amount=100&from=USD&to=EUR&date=2026-09-11", "/tax-rate?rule=pit&code=USD&date=2026-09-12"),
    "/rates?code=EURUSD&source=ecb&from=2025-10-01&to=2026-10-01&limit=366",
    *(f"/rates?code=USD&{YEAR}&limit=366&as_of={TODAY}", f"/rates?code=USD&{YEAR}&limit=366"),
)

SCRIPT = """
    import json, sys, time
    from pathlib import Path
    import django
    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from charon.api import fast_path
    from markets.redis import memory_cache
    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    connection.ensure_connection()
    server = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")

    def spent(address):
        memory_cache.memory.forget()
        fast_path.asked.forget()
        before, started = int(server.read_text().split()[0]), time.process_time_ns()
        answer = client.get(address)
        web = time.process_time_ns() - started
        assert answer.status_code == 200, (address, answer.content[:200])
        return web / 1e6, (int(server.read_text().split()[0]) - before) / 1e6

    found = {}
    for address in sys.argv[1:]:
        for _ in range(6):  # what is written and planned once
            spent(address)
        web, database = zip(*(spent(address) for _ in range(15)))
        found[address] = sorted(web)[7], sorted(database)[7]
    print(json.dumps(found))
"""


def main() -> None:
    django = {"DJANGO_SETTINGS_MODULE": "charon.settings", "DB_POOL": "1"}
    if url := os.environ.get("BENCH_FILLED"):
        with installation(**django) as environment:
            report(environment | {"DATABASE_URL": url})
        return
    with postgres() as url, installation(DATABASE_URL=url, **django) as environment:
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        run(["-c", "import django; django.setup(); from signals.tasks import catch_up; catch_up()"], environment)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")  # as autovacuum does within minutes: plans without it cost 50 ms more
        report(environment, [one for one in ASKED if "BTC" not in one])


def report(environment: dict[str, str], asked: list[str] | tuple[str, ...] = ASKED) -> None:
    trees = {"before": Path(other)} if (other := os.environ.get("BENCH_ROOT")) else {}
    trees["now"] = ROOT
    found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(ROUNDS):
        for name, root in trees.items():
            for address, spent in measured(root, environment, asked).items():
                found[address][name].append(spent)
    print(f"answers that are not kept, ms of web + ms of PostgreSQL (medians of {ROUNDS} rounds)")
    missed = False
    for address, times in found.items():
        middle = {name: [median(one[place] for one in times[name]) for place in (0, 1)] for name in trees}
        missed |= middle["now"][0] > LIMIT
        told = ", ".join(f"{name} {web:5.2f} + {database:5.2f}" for name, (web, database) in middle.items())
        print(f"  {address:62} {told}{ratio(times) if len(trees) > 1 else ''}")
    if missed:
        sys.exit("  limit missed")


def ratio(times: dict[str, list[tuple[float, float]]]) -> str:
    """Of both together, round by round."""
    rounds = [sum(now) / sum(before) for now, before in zip(times["now"], times["before"], strict=True)]
    return f", ratio {median(rounds):.2f} ({min(rounds):.2f} to {max(rounds):.2f})"


def measured(
    root: Path, environment: dict[str, str], asked: list[str] | tuple[str, ...]
) -> dict[str, tuple[float, float]]:
    made = subprocess.run(
        [sys.executable, "-c", dedent(SCRIPT), *asked],
        cwd=root, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(made.stdout))


if __name__ == "__main__":
    main()
