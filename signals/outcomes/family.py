"""Which panels can be told from chance when so many are looked at: the step-down test of Romano and Wolf.

Null hypothesis: x is as likely up as down on each day. Each draw turns all x of one time by one common sign, so that
what moves together stays together. Source: J. P. Romano and M. Wolf, "Exact and Approximate Stepdown Methods for
Multiple Hypothesis Testing", Journal of the American Statistical Association 100 (2005); signs: the wild bootstrap.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256, shake_256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.outcomes.panel import ENOUGH, Key, Verdict

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 9_999
# Two families share the 5 %.
LEVEL = 0.025
# Float64 of a matrix that is held at once: 8 MB.
AT_ONCE = 1_000_000
# Sums in another order differ by less. What is nearer counts as reached: no machine colours what another leaves.
SAME = 1e-9


class Member(NamedTuple):
    """One panel of a family: its number of decisions, and the sums of x over the blocks (ascending) where it held.

    Rounded to float32, half of the memory of thousands of panels. Everything else is computed of these in float64.
    """

    key: Key
    n: int
    blocks: NDArray[np.integer]
    sums: NDArray[np.floating]


class Family(NamedTuple):
    """`critical`: what the largest t exceeds by chance in LEVEL of the draws; None in a family without panels."""

    verdicts: dict[Key, Verdict]
    critical: float | None


class Steps(NamedTuple):
    t: Floats
    p: Floats
    critical: float


def judge(members: Sequence[Member], draws: int = DRAWS, level: float = LEVEL) -> Family:
    """The verdicts of one family; panels with fewer than ENOUGH decisions take no part in it.

    The signs come from the keys: the same panels give the same verdicts, on every machine.
    """
    active = sorted((one for one in members if one.n >= ENOUGH), key=lambda one: one.key)
    verdicts = {one.key: Verdict(None, None, "", len(active)) for one in members}
    if not active:
        return Family(verdicts, None)
    found = step_down(active, draws, level)
    for one, t, p in zip(active, found.t.tolist(), found.p.tolist(), strict=True):
        verdicts[one.key] = Verdict(t, p, says(float(one.sums.sum(dtype=np.float64)), p, level), len(active))
    return Family(verdicts, found.critical)


def says(total: float, p: float, level: float) -> str:
    if p > level:
        return "chance"
    return "better" if total > 0 else "worse"


def step_down(members: Sequence[Member], draws: int, level: float) -> Steps:
    """t and adjusted p of each member. p <= level is the same as to colour t > c, to remove it and to repeat.

    Panels come from the smallest t to the largest: behind each, `highest` has the maximum of every draw over those that
    the step-down would still have.
    """
    columns = np.unique(np.concatenate([one.blocks for one in members]))
    x, t = matrix(members, columns)
    order = np.argsort(t, kind="stable")
    highest, reached = np.zeros(draws), np.zeros(len(members), np.int64)
    rows = max(1, AT_ONCE // max(1, len(columns)))
    for start, signs in signs_of(seed_of(members), draws, len(columns), rows):
        so_far = highest[start : start + len(signs)]
        for chosen in np.split(order, range(rows, len(order), rows)):
            drawn = x[chosen].astype(np.float64) @ signs.T
            np.abs(drawn, out=drawn)
            drawn[0] = np.maximum(drawn[0], so_far)
            np.maximum.accumulate(drawn, axis=0, out=drawn)
            so_far[:] = drawn[-1]
            reached[chosen] += (drawn >= t[chosen, None] - SAME).sum(axis=1)
    p = np.empty(len(members))
    p[order] = np.maximum.accumulate(((1 + reached[order]) / (1 + draws))[::-1])[::-1]
    return Steps(t, p, critical_of(highest, level))


def critical_of(highest: Floats, level: float) -> float:
    """What t has to exceed for p <= level: with 9,999 draws and 2.5 % the 250th largest maximum."""
    place = max(1, int(level * (1 + len(highest)) + SAME))
    return float(np.sort(highest)[-place])


def matrix(members: Sequence[Member], columns: NDArray[np.integer]) -> tuple[NDArray[np.float32], Floats]:
    """A row a member: x over its own size, 0 where it held nothing; and the sum of each row, which is its t."""
    found = np.zeros((len(members), len(columns)), np.float32)
    for row, one in zip(found, members, strict=True):
        sums = one.sums.astype(np.float64)
        row[np.searchsorted(columns, one.blocks)] = sums / (np.sqrt(sums @ sums) or 1.0)
    return found, np.abs(found.sum(axis=1, dtype=np.float64))


def seed_of(members: Sequence[Member]) -> bytes:
    return sha256("\n".join("|".join(map(str, one.key)) for one in members).encode()).digest()


def signs_of(seed: bytes, draws: int, width: int, rows: int) -> Iterator[tuple[int, Floats]]:
    """A row of 1 and -1 for each draw, some draws at a time: the bits of SHAKE-256 over the seed and their number."""
    length = (width + 7) // 8
    for start in range(0, draws, rows):
        numbers = range(start, min(draws, start + rows))
        text = b"".join(shake_256(seed + number.to_bytes(4, "big")).digest(length) for number in numbers)
        bits = np.unpackbits(np.frombuffer(text, np.uint8).reshape(-1, length), axis=1, count=width)
        signs = bits.astype(np.float64)
        signs *= 2.0
        signs -= 1.0
        yield start, signs
