"""Benchmark of the public pages: processor time of a request through every middleware, on SQLite.

BENCH_DATA names the DATA_DIR of an installation that is filled already; without it the archive of the NBP is loaded
and decided on, which has no candles. BENCH_ROOT names another working tree, which takes turns with this one on the same
data. `bare` is without the sections that the process keeps as markup, as if each page were the first that it makes.
Limits: the dashboard 15 ms, a currency over a year 20, over all days 40.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from textwrap import dedent

from bench.measure import ROOT, installation, run

ROUNDS = 5
LIMITS = {"/": 15.0, "/waluty/EUR/": 20.0, "/waluty/EUR/?zakres=Max": 40.0}
OTHERS = (
    *("/?tabela=wszystkie", "/waluty/", "/zloto/", "/krypto/", "/krypto/BTCUSDT/"),
    *("/tabele/A/2026-10-26/", "/kurs-podatkowy/"),
)

SCRIPT = """
    import json, sys, time
    import django
    django.setup()
    from django.conf import settings
    from django.test import Client
    settings.ALLOWED_HOSTS = ["*"]
    client, bare = Client(), sys.argv[1] == "bare"
    if bare:
        from charon.templatetags.sections import SHELF

    def spent(address):
        if bare:
            SHELF.clear()
        started = time.process_time()
        client.get(address)
        return time.process_time() - started

    for address in 2 * sys.argv[2:]:
        spent(address)
    print(json.dumps({address: sorted(spent(address) for _ in range(9))[4] * 1000 for address in sys.argv[2:]}))
"""


def main() -> None:
    if folder := os.environ.get("BENCH_DATA"):
        fixed = {"DATA_DIR": folder, "ENV_FILE": os.devnull, "LOG_LEVEL": "ERROR", "REDIS_URL": ""}
        limits = {f"LIMIT_{kind}": "1000000000" for kind in ("READS", "WRITES", "HEAVY")}
        report({**fixed, **limits, "DJANGO_SETTINGS_MODULE": "charon.settings"})
        return
    with installation(DJANGO_SETTINGS_MODULE="charon.settings") as environment:
        run(["manage.py", "mine", "nbp_archive", "--json"], environment)
        run(["-c", "import django; django.setup(); from signals.tasks import catch_up; catch_up()"], environment)
        report(environment)


def report(environment: dict[str, str]) -> None:
    trees = {"now": (ROOT, "kept"), "bare": (ROOT, "bare")}
    if other := os.environ.get("BENCH_ROOT"):
        trees = {"before": (Path(other), "kept"), **trees}
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(ROUNDS):
        for name, (root, how) in trees.items():
            for address, spent in measured(root, how, environment).items():
                found[address][name].append(spent)
    print(f"pages, ms of processor time a request (median of {ROUNDS} rounds)")
    missed = False
    for address, times in found.items():
        spent = {name: median(times[name]) for name in trees}
        missed |= spent["now"] > LIMITS.get(address, spent["now"])
        ratio = f", ratio {median(map(ratio_of, times['now'], times['before'])):.2f}" if other else ""
        print(f"  {address:24} {', '.join(f'{name} {value:.1f}' for name, value in spent.items())}{ratio}")
    if missed:
        sys.exit("  limit missed")


def ratio_of(now: float, before: float) -> float:
    return now / before


def measured(root: Path, how: str, environment: dict[str, str]) -> dict[str, float]:
    made = subprocess.run(
        [sys.executable, "-c", dedent(SCRIPT), how, *LIMITS, *OTHERS],
        cwd=root, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(made.stdout))


if __name__ == "__main__":
    main()
