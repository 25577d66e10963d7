"""What the calendars hold: when each table is expected, and the days on which none is."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from charon.feeds.calendar_file import Occasion
from markets import clock, formats
from markets.clock import WARSAW
from markets.licence import Audience, shown_to
from markets.models import Source
from markets.queries import calendars
from markets.queries.calendars import DAY, WEEKLY_PAUSE
from miner.job_names import label
from miner.providers import PROVIDERS
from miner.providers.base import TableSeries
from miner.source_states import timetable

DAYS_AHEAD = 90
TARGET = "ECB"


def publications() -> Iterator[Occasion]:
    """Of every table of the sources that are asked, today and in the next 90 days; one query."""
    names = dict[str, str]()
    for source in Source.objects.filter(shown_to(Audience.API, ""), enabled=True, available=True):
        provider, names[source.code] = PROVIDERS.get(source.code), source.name
        for series in provider.series if provider and provider.scheduled else ():
            yield from of_table(source, series, label(f"{source.code}.{series.table}", names))


def of_table(source: Source, series: TableSeries, title: str) -> Iterator[Occasion]:
    """On the days of its timetable, from its hour to the moment when it is late; a whole day where no hour is known."""
    table, today = timetable(series), clock.today()
    if series.last is not None or table.longest_pause > WEEKLY_PAUSE:
        return
    for day in (today + DAY * number for number in range(DAYS_AHEAD + 1)):
        if table.publishes(day):
            late, _missing = table.deadlines(day)
            start = datetime.combine(day, table.start, WARSAW) if table.start else None
            name = f"{source.code}.{series.table}.{day.isoformat()}"
            yield Occasion(name, title, day, start, late if start else None, _("Oczekiwana publikacja."), source.url)


def free_days(calendar: str) -> Iterator[Occasion]:
    """The holidays of this year and the next; weekends are not among them."""
    year = clock.today().year
    day, end = date(year, 1, 1), date(year + 2, 1, 1)
    while day < end:
        if calendars.holiday(day, calendar):
            yield Occasion(f"{calendar.lower()}.{day.isoformat()}", name_of(day, calendar), day)
        day += timedelta(days=1)


def name_of(day: date, calendar: str) -> str:
    """In the language in effect. The package names the days of TARGET in English alone: Poland's name is taken."""
    name = calendars.holiday(day, calendar)
    return calendars.holiday(day) or (name if formats.english() else POLISH.get(name, name))


# No holiday in Poland.
POLISH = {"Good Friday": "Wielki Piątek"}
