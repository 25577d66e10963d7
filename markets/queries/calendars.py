"""The calendars of publishers: working days, and when a table of so many weekdays must be there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

import holidays

from markets import formats
from markets.clock import WARSAW

DAY = timedelta(days=1)
SATURDAY = 5
POLAND = "PL"
# What is published more seldom than that has one day a week, and more seldom than every two weeks no known day.
DAILY_PAUSE, WEEKLY_PAUSE = 7, 16
# A table whose hour nobody documents belongs to its day; it is late on the day after and missing from noon on.
UNKNOWN_HOURS = (timedelta(hours=24), timedelta(hours=36))
LONGEST_LOOK = 60


@cache
def closing_days(calendar: str, language: str = "pl") -> holidays.HolidayBase:
    """Of a country, or of a market of the package `holidays` (TARGET is `ECB`)."""
    if calendar in holidays.list_supported_financial():
        return holidays.financial_holidays(calendar)
    names = {"pl": "pl", "en": "en_US"}[language] if calendar == POLAND else None
    return holidays.country_holidays(calendar, language=names)


def holiday(day: date, calendar: str = POLAND) -> str:
    """The name of the public holiday in the language in effect, or an empty string."""
    return str(closing_days(calendar, "en" if formats.english() else "pl").get(day, ""))


def is_working(day: date, calendar: str = POLAND) -> bool:
    return day.weekday() < 5 and not holiday(day, calendar)


def midnight_after(now: datetime) -> datetime:
    """When the day in Warsaw ends, and with it every sentence that means today."""
    return datetime.combine(now.astimezone(WARSAW).date() + DAY, time(), WARSAW)


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


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a table is published: on which weekdays (Monday is 0), whose holidays, between which hours of Warsaw."""

    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    calendar: str = POLAND
    longest_pause: int = 7
    start: time | None = None
    end: time | None = None

    def publishes(self, day: date) -> bool:
        """Every working day of its weekdays; of a weekly table the last of them, as before a holiday it comes early."""
        if day.weekday() not in self.weekdays or not is_working(day, self.calendar):
            return False
        if self.longest_pause <= DAILY_PAUSE:
            return True
        later = (day + DAY * number for number in range(1, 7 - day.weekday()))
        return not any(one.weekday() in self.weekdays and is_working(one, self.calendar) for one in later)

    def deadlines(self, day: date) -> tuple[datetime, datetime]:
        """From when on the table of that day is late, and from when on it is missing.

        It is late from the middle of the hours in which it is asked for (table A: 12:15), missing from their end.
        """
        midnight = datetime.combine(day, time.min)
        late, missing = UNKNOWN_HOURS
        if self.start and self.end:
            begin, missing = (timedelta(hours=hour.hour, minutes=hour.minute) for hour in (self.start, self.end))
            late = (begin + missing) / 2
        return (midnight + late).replace(tzinfo=WARSAW), (midnight + missing).replace(tzinfo=WARSAW)

    def due(self, now: datetime) -> tuple[date | None, date | None]:
        """The newest day whose table is late if it is not there, and the newest whose table is missing then."""
        today = now.astimezone(WARSAW).date()
        if self.longest_pause > WEEKLY_PAUSE:
            return (today - DAY * self.longest_pause,) * 2
        days = (today - DAY * number for number in range(LONGEST_LOOK))
        ends = ((day, *self.deadlines(day)) for day in days if self.publishes(day))
        late = None
        for day, begins, ends_at in ends:
            late = late or (day if begins <= now else None)
            if ends_at <= now:  # missing is never before late
                return late, day
        return late, None


def next_turn(now: datetime, timetables: Iterable[Timetable]) -> datetime:
    """When a sentence about these tables can turn next: one of them is late or missing, or the day ends.

    A table whose hour nobody documents is missing on the day after it, so that yesterday's counts as well.
    """
    today = now.astimezone(WARSAW).date()
    ends = (end for one in timetables for day in (today - DAY, today) for end in one.deadlines(day))
    return min(end for end in (*ends, midnight_after(now)) if end > now)
