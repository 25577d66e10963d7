"""Candles of the walk. Their atom is the minute, whatever the interval, so that all intervals tell one story.

A minute has a chance of having any trade at all; without one the last price stands and nothing is sold, as it is in the
thin books of a small venue. Where there is trade in every minute a candle opens at the close of the one before it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from tests.replica.coins import level
from tests.replica.walk import MINUTE, Figures, Minutes, Pair, bits, chance

NEVER_LONGER = 512  # minutes without a trade
AT_ONCE = 200_000  # minutes in memory
TRADE = 250.0  # dollars, usually
DAY = 1440


class Grid(NamedTuple):
    """Where candles begin: every so many minutes (or months), counted from `offset`."""

    minutes: int
    offset: int = 0
    months: int = 0

    def number(self, minute: int) -> int:
        """Of the candle that has this minute in it."""
        if not self.months:
            return (minute - self.offset) // self.minutes
        day = datetime.fromtimestamp(minute * MINUTE, UTC)
        return (day.year * 12 + day.month - 1) // self.months

    def opening(self, number: int) -> int:
        if not self.months:
            return number * self.minutes + self.offset
        year, month = divmod(number * self.months, 12)
        return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp()) // MINUTE


MONDAY = 4 * DAY  # 1970-01-05
WEEK = Grid(7 * DAY, MONDAY)
MONTH = Grid(0, 0, 1)


class Candle(NamedTuple):
    """`opening` is a minute; `closing` the one after its last; `taken` the share of the volume that buyers took."""

    opening: int
    closing: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    trades: int
    taken: float


class Atoms(NamedTuple):
    open: Figures
    high: Figures
    low: Figures
    close: Figures
    volume: Figures
    turnover: Figures
    trades: Minutes


def candles(pair: Pair, busy: float, grid: Grid, numbers: range, now: float) -> list[Candle]:
    """Those of the numbers that have begun by `now`, the last one maybe unfinished; `busy` is trades a minute."""
    numbers = range(numbers.start, min(numbers.stop, grid.number(int(now // MINUTE)) + 1))
    if not numbers:
        return []
    edges = [grid.opening(number) for number in range(numbers.start, numbers.stop + 1)]
    return [candle for piece in pieces(edges) for candle in gathered(pair, busy, piece, now)]


def pieces(edges: list[int]) -> Iterator[list[int]]:
    start = 0
    for at in range(1, len(edges)):
        if edges[at] - edges[start] >= AT_ONCE:
            yield edges[start : at + 1]
            start = at
    if start < len(edges) - 1:
        yield edges[start:]


def gathered(pair: Pair, busy: float, edges: list[int], now: float) -> list[Candle]:
    end = min(edges[-1], int(now // MINUTE) + 1)
    atoms = minutes(pair, busy, edges[0], end, now)
    starts = np.array(edges[:-1]) - edges[0]
    ends = np.append(starts[1:], end - edges[0]) - 1
    sums = [np.add.reduceat(column, starts).tolist() for column in (atoms.volume, atoms.turnover, atoms.trades)]
    opens, closes = atoms.open[starts].tolist(), atoms.close[ends].tolist()
    highs, lows = np.maximum.reduceat(atoms.high, starts).tolist(), np.minimum.reduceat(atoms.low, starts).tolist()
    taken = (0.3 + 0.4 * chance(f"{pair.base}{pair.quote} taken", 0, np.array(edges[:-1]))).tolist()
    rows = zip(edges[:-1], edges[1:], opens, highs, lows, closes, *sums, taken, strict=True)
    return [Candle(*row) for row in rows]


def minutes(pair: Pair, busy: float, first: int, end: int, now: float) -> Atoms:
    """Each minute from the first to before the end; the one of `now` as far as it has come."""
    name = f"{pair.base}{pair.quote}"
    start = first - NEVER_LONGER
    places = np.arange(start, end)
    prices = pair.between(start, end)
    opens, closes, passed = prices[:-1].copy(), prices[1:].copy(), np.ones(end - start)
    if end * MINUTE > now:
        closes[-1], passed[-1] = pair.at(now), now / MINUTE - (end - 1)
    wick, luck, many, large = lots(name, places)
    lively = 0.0004 * passed * wick
    highs, lows = np.maximum(opens, closes) * (1 + lively), np.minimum(opens, closes) * (1 - 0.7 * lively)
    traded = (luck < busy) | (places % NEVER_LONGER == 0)
    last = np.maximum.accumulate(np.where(traded, np.arange(end - start), 0))
    resting = closes[last]
    opens, highs, lows, closes = (np.where(traded, told, resting) for told in (opens, highs, lows, closes))
    trades = np.ceil(traded * passed * (0.5 + many) * max(busy, 1.0)).astype(np.int64)
    dollars = trades * passed * TRADE * (0.1 + 2.7 * large * large)
    turnover = dollars / level(pair.quote)[0]
    atoms = Atoms(opens, highs, lows, closes, turnover / ((opens + closes) / 2), turnover, trades)
    return Atoms._make(column[NEVER_LONGER:] for column in atoms)


def lots(name: str, places: Minutes) -> Iterator[Figures]:
    """Four numbers from 0 to 1 for each minute."""
    return iter(bits(name, 0, places).view(np.uint16).reshape(-1, 4).T / 65_536)
