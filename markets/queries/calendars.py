"""The Polish calendar of working days: the NBP publishes on those and on no other."""

from collections.abc import Iterator
from datetime import date, timedelta

import holidays

DAY = timedelta(days=1)
POLAND = holidays.country_holidays("PL", language="pl")


def holiday(day: date) -> str:
    """The Polish name of the public holiday, or an empty string."""
    return str(POLAND.get(day, ""))


def is_working(day: date) -> bool:
    return day.weekday() < 5 and not holiday(day)


def days_after(day: date) -> Iterator[date]:
    while True:
        day += DAY
        yield day


def next_working(day: date) -> date:
    """The first working day after `day`."""
    return next(later for later in days_after(day) if is_working(later))


def last_working(day: date) -> date:
    """`day` itself when it is a working day, else the one before it."""
    while not is_working(day):
        day -= DAY
    return day


def working_days(after: date, until: date) -> int:
    """The number of working days after `after`, up to and including `until`."""
    return sum(is_working(after + DAY * n) for n in range(1, (until - after).days + 1))
