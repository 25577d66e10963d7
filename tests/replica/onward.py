"""The NBP's tables after the last real one, made up so that a demonstration reaches the present day.

Each figure is the last real one, moved as far as the seeded walk has moved since, in the decimals of the real one: it
depends on the code and the day alone, so it is the same for every request and after every restart. It is moved to the
hour of the ECB's figures: up to the last real day both banks agree to a hundredth of a percent here, and so they go on.

Tables come out on Polish working days; table B on Wednesdays, or on the working day before when that is a holiday.
Numbers go on from the last real table and begin anew with each year.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import chain, count, islice

import holidays
import numpy as np

from tests.replica import data, fixings
from tests.replica.tables import Figures, Letter, Table
from tests.replica.walk import MINUTE, Pair

DAY = timedelta(days=1)
WEDNESDAY = 2
POLAND = holidays.country_holidays("PL")


def is_working(day: date) -> bool:
    return day.weekday() < 5 and day not in POLAND


def is_table_b(day: date) -> bool:
    """The last working day from Monday to Wednesday of its week."""
    later = (day + DAY * number for number in range(1, WEDNESDAY - day.weekday() + 1))
    return day.weekday() <= WEDNESDAY and is_working(day) and not any(map(is_working, later))


@cache
def days(letter: Letter, year: int) -> tuple[date, ...]:
    """Those of the year that lie behind the real tables, whether they have come or not."""
    first = max(date(year, 1, 1), data.last_day() + DAY)
    every = (first + DAY * number for number in range((date(year, 12, 31) - first).days + 1))
    return tuple(filter(is_table_b if letter == "B" else is_working, every))


@cache
def tables(letter: Letter, year: int) -> dict[date, Table]:
    """The real tables of the year and those that follow them."""
    real = data.tables(letter, year) if year <= data.last_day().year else {}
    made = zip(days(letter, year), figures(letter, year), strict=True)
    return real | {
        day: Table(letter, number_of(letter, day, place), day, trading_day(letter, day), row)
        for place, (day, row) in enumerate(made, len(real) + 1)
    }


def number_of(letter: Letter, day: date, place: int) -> str:
    return "" if letter == "gold" else f"{place:03}/{letter}/NBP/{day.year}"


def trading_day(letter: Letter, day: date) -> date | None:
    return working_days_before(day, 1) if letter == "C" else None


def working_days_before(day: date, number: int) -> date:
    earlier = (day - DAY * back for back in count(1))
    return next(islice(filter(is_working, earlier), number - 1, None))


def figures(letter: Letter, year: int) -> Iterator[dict[str, Figures]]:
    """A row for each of the days."""
    if letter == "C":
        mids = (data.two_sided({code: text[0] for code, text in row.items()}) for row in figures("A", year))
        return iter(mids)
    ends = last_real(letter)
    columns = [moved(code, end, text, days(letter, year)) for code, (end, text) in ends.items()]
    return (dict(zip(ends, ((text,) for text in row), strict=True)) for row in zip(*columns, strict=True))


def last_real(letter: Letter) -> dict[str, tuple[date, str]]:
    """What the last real table says of each code, and its day."""
    day, table = list(data.tables(letter, data.last_day().year).items())[-1]
    return {code: (day, row[0]) for code, row in table.rates.items()}


def moved(code: str, end: date, text: str, later: tuple[date, ...]) -> list[str]:
    """The figure of each day, in the decimals of the one that they follow."""
    walked = Pair(code, "PLN").on(np.array([minute(day) for day in chain([end], later)]))
    real = Decimal(text)
    return [f"{(real * Decimal(times)).quantize(real, ROUND_HALF_UP):f}" for times in (walked / walked[0])[1:].tolist()]


def minute(day: date) -> int:
    return int(fixings.moment(day)) // MINUTE
