"""The record on worlds of which it is known whether a rule has an edge in them (`make worlds`).

Worlds are made of the NBP's rates since 2012 as the embedded archive has them; nothing is asked of the network. Exit
code 0: of the worlds without an edge at most 5 % have a coloured panel, and a planted edge is found in at least 80 %.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import cache, partial
from multiprocessing import get_context
from typing import NamedTuple

import django
import numpy as np
import pandas as pd

FIRST = date(2012, 1, 1)
MOST_COLOURED, LEAST_FOUND = 0.05, 0.8
# What t exceeds in 5 % of single panels without an edge.
NAIVE = 1.96


class NoEdge(NamedTuple):
    """Of one world: its panels, how many are coloured, how many would be by 5 % each, and the smallest adjusted p."""

    panels: int
    coloured: int
    naive: int
    p: float


class Planted(NamedTuple):
    rule: str
    kappa: float
    found: bool
    coloured: int


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.worlds", description=__doc__)
    parser.add_argument("--worlds", type=int, default=1000, help="without an edge")
    parser.add_argument("--planted", type=int, default=200, help="with an edge of one rule on one code")
    parser.add_argument("--pooled", type=int, default=0, help="with an edge of one rule on all codes")
    parser.add_argument("--strength", type=float, default=6.0, help="of a planted edge: kappa * sqrt(N)")
    parser.add_argument("--codes", type=int, default=32, help="the first so many of those that are there all the time")
    parser.add_argument("--draws", type=int, default=999, help="of the test of a family")
    parser.add_argument("--seed", type=int, default=20121, help="the same worlds each time")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args(given)


def ready() -> None:
    """Rules are made from the settings, and compiled into a folder that several processes may share."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "charon.settings")
    os.environ.setdefault("ENV_FILE", os.devnull)
    os.environ.setdefault("SECRET_KEY", "only-for-worlds-" + "x" * 50)
    os.environ.setdefault("DATA_DIR", os.path.join(tempfile.gettempdir(), "charon-worlds"))  # noqa: PTH118
    django.setup()


def history(codes: int) -> pd.DataFrame:
    return whole_history().iloc[:, :codes]


@cache
def whole_history() -> pd.DataFrame:
    """The mids of table A that are there on every day since 2012: a column a code."""
    from miner.providers import nbp_archive

    columns = {}
    for code in nbp_archive.codes():
        rows = nbp_archive.series(code, FIRST)
        columns[code] = pd.Series({day: float(mid) for day, table, mid in rows if table == "A"}, dtype=np.float64)
    frame = pd.DataFrame(columns).sort_index().dropna(axis="columns")
    return frame.set_axis(pd.DatetimeIndex(frame.index, tz="UTC"))


def of_closes() -> list:
    from signals import rules

    return [rule for rule in rules.active() if rule.needs <= {"close"} and "1d" in rule.timeframes]


def no_edge(asked: argparse.Namespace, number: int) -> NoEdge:
    from signals.outcomes import worlds

    noise = np.random.default_rng([asked.seed, 0, number])
    world = worlds.decided(worlds.without_edge(history(asked.codes), noise), of_closes())
    panels = worlds.panels_of(world, asked.draws)
    active = [(t, p) for t, p, _, _ in (one.verdict for one in panels) if t is not None and p is not None]
    naive = sum(t > NAIVE for t, _ in active)
    return NoEdge(len(active), len(list(worlds.coloured(panels))), naive, min(p for _, p in active))


def planted(asked: argparse.Namespace, number: int, *, pooled: bool = False) -> Planted | None:
    """The rules take turns, the code is drawn; None where the rule has decided too little in this world."""
    from signals.outcomes import worlds
    from signals.outcomes.panel import POOLED

    noise = np.random.default_rng([asked.seed, 1 + pooled, number])
    closes, rules = history(asked.codes), of_closes()
    rule = rules[number % len(rules)].name
    code = POOLED if pooled else str(noise.choice(closes.columns))
    world = worlds.decided(worlds.without_edge(closes, noise), rules)
    if (made := worlds.planted(world, rule, asked.strength, code)) is None:
        return None
    coloured = {one.key: one.verdict.says for one in worlds.coloured(worlds.panels_of(made[0], asked.draws))}
    return Planted(rule, made[1].kappa, coloured.get(made[1].key) == "better", len(coloured))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def share(part: int, whole: int) -> str:
    from signals.outcomes.statistics import wilson

    low, high = wilson(part / whole, whole)
    return f"{part} of {whole}, {part / whole:.1%} (95 %: {low:.1%} to {high:.1%})"


def counted(worlds: Iterable[NoEdge]) -> list[NoEdge]:
    """Says now and then how far it is."""
    found: list[NoEdge] = []
    for one in worlds:
        found.append(one)
        if len(found) % 100 == 0:
            say(f"    {len(found)} worlds, {sum(each.coloured > 0 for each in found)} coloured")
    return found


def tell_no_edge(found: Sequence[NoEdge]) -> bool:
    coloured = sum(one.coloured > 0 for one in found)
    say(f"  panels a world: {min(one.panels for one in found)} to {max(one.panels for one in found)}")
    say(f"  any coloured:   {share(coloured, len(found))}; at most {MOST_COLOURED:.0%}")
    say(f"  adjusted p at most 5 %: {share(sum(one.p <= 0.05 for one in found), len(found))}")
    naive = np.mean([one.naive for one in found])
    say(f"  at 5 % each:    {share(sum(one.naive > 0 for one in found), len(found))}, {naive:.1f} panels a world")
    return coloured <= MOST_COLOURED * len(found)


def tell_planted(every: Iterable[Planted | None]) -> bool:
    found = [one for one in every if one is not None]
    for rule, number in sorted(Counter(one.rule for one in found).items()):
        ours = [one for one in found if one.rule == rule]
        kappa = np.mean([one.kappa for one in ours])
        say(f"  {rule:38} kappa {kappa:.2f}: {share(sum(one.found for one in ours), number)}")
    hits = sum(one.found for one in found)
    say(f"  found:          {share(hits, len(found))}; at least {LEAST_FOUND:.0%}")
    return hits >= LEAST_FOUND * len(found)


def main() -> int:
    asked = arguments()
    # One process a core: the threads of a product of matrices would take each other's.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    ready()
    closes = history(asked.codes)
    first, last = closes.index[0], closes.index[-1]
    say(f"{len(closes.columns)} codes, {len(closes)} days from {first:%Y-%m-%d} to {last:%Y-%m-%d}")
    started, good = time.monotonic(), True
    context = get_context("spawn")
    with ProcessPoolExecutor(asked.processes, context, initializer=ready) as pool:
        if asked.worlds:
            say(f"worlds without an edge, seed {asked.seed}, {asked.draws} draws:")
            good &= tell_no_edge(counted(pool.map(partial(no_edge, asked), range(asked.worlds), chunksize=5)))
        for pooled, number in ((False, asked.planted), (True, asked.pooled)):
            if number:
                where = "all codes" if pooled else "one code"
                say(f"worlds with an edge on {where}, kappa * sqrt(N) = {asked.strength:g}:")
                good &= tell_planted(pool.map(partial(planted, asked, pooled=pooled), range(number), chunksize=5))
    say(f"{time.monotonic() - started:.0f} s with {asked.processes} processes")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
