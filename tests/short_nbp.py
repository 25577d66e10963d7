"""A shortened history of the NBP for quick tests: tables A, C and gold from 2022 to July 2024.

The engine needs the rates of a year before its first decision.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Literal

from miner.providers.base import TableSeries
from tests.replica import data

FIRST, HISTORY, LAST = date(2022, 1, 3), date(2024, 4, 30), date(2024, 7, 31)
LETTERS: tuple[Literal["A", "C", "gold"], ...] = ("A", "C", "gold")


def shortened(series: Iterable[TableSeries]) -> tuple[TableSeries, ...]:
    return tuple(
        replace(one, first=FIRST, known_until=HISTORY, last=LAST, window=31) for one in series if one.table in LETTERS
    )


def days(first: date = FIRST, last: date = LAST) -> list[date]:
    """The days on which at least one of the tables was published."""
    years = range(first.year, last.year + 1)
    found = {day for letter in LETTERS for year in years for day in data.tables(letter, year)}
    return sorted(day for day in found if first <= day <= last)


def rate_count() -> int:
    """The number of all rates of the shortened history."""
    tables = [data.tables(letter, day.year).get(day) for letter in LETTERS for day in days()]
    return sum(len(table.rates) for table in tables if table)
