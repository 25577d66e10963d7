"""One seeded walk behind every price, so that services which price one thing agree.

What a code costs in dollars is a pure function of the code and the moment: nothing is stored, and any moment can be
asked for without those before it. The logarithm stands near its level at knots 364 days apart; between two knots it is
found by halving, each middle displaced by a number that its place in the walk gives (Lévy's construction), down to the
minute. Inside a minute it is a straight line. Everything is shifted so that the level holds exactly on the anchor day.

A roughness a little above that of a pure random walk keeps a minute of Bitcoin at about 3 basis points, as it is.
"""

import hashlib
import math
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.replica.coins import PEGGED, SAME, level

MINUTE = 60
HALVINGS = 19  # from a span of 2**19 minutes down to one
BLOCK = 12  # the last so many of them are made at once and kept
KEPT = 1536  # blocks of 33 kB: three days of one code each
ANCHOR = 1_793_016_000 // MINUTE  # 2026-10-26 12:00 UTC
ROUGHNESS = 0.55
AT_THE_KNOTS = 0.4  # of a year's volatility

Minutes = NDArray[np.int64]
Figures = NDArray[np.float64]


@cache
def seed(name: str, floor: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{name}/{floor}".encode(), digest_size=8).digest())


def bits(name: str, floor: int, places: Minutes) -> NDArray[np.uint64]:
    """64 bits for each place, always the same for the same name, floor and place (SplitMix64)."""
    z = places.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed(name, floor))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def chance(name: str, floor: int, places: Minutes) -> Figures:
    """Evenly from 0 to 1."""
    return (bits(name, floor, places) >> np.uint64(11)).astype(np.float64) / 2.0**53


def bell(name: str, floor: int, places: Minutes) -> Figures:
    """Four even numbers added: about normal, mean 0, deviation 1, never beyond 3.5."""
    four = bits(name, floor, places).view(np.uint16).reshape(-1, 4)
    sums: Minutes = four.sum(axis=1, dtype=np.int64)
    return (sums - 131_070) / 37_837.0


def displacement(halving: int) -> float:
    """How far a middle strays at that halving, for a volatility of 1 a year."""
    return math.pow(2, -halving * ROUGHNESS) * math.sqrt(1 - math.pow(2, 2 * ROUGHNESS - 2))


def logs(code: str, minutes: Minutes) -> Figures:
    """The walk at any minutes, for a volatility of 1 a year: for few minutes that lie far apart."""
    left, right = (AT_THE_KNOTS * bell(code, 0, (minutes >> HALVINGS) + n) for n in (0, 1))
    for halving in range(1, HALVINGS + 1):
        width = HALVINGS - halving
        stray = displacement(halving) * bell(code, halving, minutes >> (width + 1))
        middle = (left + right) / 2 + stray
        upper = (minutes >> width) & 1 == 1
        left, right = np.where(upper, middle, left), np.where(upper, right, middle)
    return left


@lru_cache(KEPT)
def block(code: str, number: int) -> Figures:
    """Dollars at each minute of a block, the first of the next one too."""
    values = logs(code, np.array([number << BLOCK, (number + 1) << BLOCK]))
    for halving in range(HALVINGS - BLOCK + 1, HALVINGS + 1):
        first = number << (halving - 1 - (HALVINGS - BLOCK))
        stray = displacement(halving) * bell(code, halving, np.arange(first, first + len(values) - 1))
        finer = np.empty(2 * len(values) - 1)
        finer[::2] = values
        finer[1::2] = (values[:-1] + values[1:]) / 2 + stray
        values = finer
    return priced(code, values)


@cache
def anchored(code: str) -> float:
    return float(logs(code, np.array([ANCHOR]))[0])


def priced(code: str, walked: Figures) -> Figures:
    price, sigma = level(code)
    return price * np.exp(sigma * (walked - anchored(code)))


def moving(code: str) -> str:
    return PEGGED.get(code, SAME.get(code, code))


def factor(code: str) -> float:
    """A pegged code moves with another one, at its own level."""
    return level(code)[0] / level(moving(code))[0] if moving(code) != "USD" else level(code)[0]


class Move(NamedTuple):
    """A scripted jump: from one moment until another (UNIX seconds) a code costs `times` what the walk says."""

    code: str
    start: float
    end: float
    times: float


# Beside the walk, of the whole process: every service shows them.
moves: list[Move] = []


def moved(code: str, minutes: Minutes) -> Figures:
    found: Figures = np.ones(len(minutes))
    for move in moves:
        if move.code == code:
            found[(minutes * MINUTE >= move.start) & (minutes * MINUTE < move.end)] *= move.times
    return found


def times_at(code: str, moment: float) -> float:
    return math.prod(move.times for move in moves if move.code == code and move.start <= moment < move.end)


def usd_on(code: str, minutes: Minutes) -> Figures:
    """Dollars for one at minutes that lie far apart."""
    other = moving(code)
    if other == "USD":
        return np.full(len(minutes), factor(code))
    return factor(code) * priced(other, logs(other, minutes)) * moved(other, minutes)


def usd_between(code: str, first: int, last: int) -> Figures:
    """Dollars for one at each minute from the first to the last, both included."""
    return walked_between(code, first, last) * moved(moving(code), np.arange(first, last + 1))


def walked_between(code: str, first: int, last: int) -> Figures:
    """The same without scripted jumps."""
    other = moving(code)
    if other == "USD":
        return np.full(last - first + 1, factor(code))
    numbers = range(first >> BLOCK, (last >> BLOCK) + 1)
    whole = np.concatenate([block(other, number)[: 1 << BLOCK] for number in numbers])
    start = first - (numbers[0] << BLOCK)
    return factor(code) * whole[start : start + last - first + 1]


def usd(code: str, moment: float) -> float:
    minute = int(moment // MINUTE)
    before, after = walked_between(code, minute, minute + 1)
    walked = float(before * (after / before) ** (moment / MINUTE - minute))
    return walked * times_at(moving(code), moment)


class Pair(NamedTuple):
    """How much of `quote` one `base` costs."""

    base: str
    quote: str

    def at(self, moment: float) -> float:
        return usd(self.base, moment) / usd(self.quote, moment)

    def on(self, minutes: Minutes) -> Figures:
        return usd_on(self.base, minutes) / usd_on(self.quote, minutes)

    def between(self, first: int, last: int) -> Figures:
        return usd_between(self.base, first, last) / usd_between(self.quote, first, last)
