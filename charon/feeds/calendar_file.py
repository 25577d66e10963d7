"""A calendar (RFC 5545) out of events. The library is loaded with the first one: it weighs 9 MB in a process."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.utils import translation

from charon.feeds.atom import clean
from markets import clock

if TYPE_CHECKING:
    from icalendar import Event

DAY = timedelta(days=1)
CONTENT_TYPE = "text/calendar; charset=utf-8"
# How often a program should ask again (RFC 7986, 5.7): what is expected changes by days.
REFRESH = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Occasion:
    """`name` is unique among all calendars, as `nbp.A.2026-10-26`; without hours it is the whole day."""

    name: str
    title: str
    day: date
    start: datetime | None = None
    end: datetime | None = None
    text: str = ""
    url: str = ""


def answer(title: str, occasions: Iterable[Occasion]) -> HttpResponse:
    """The calendar of these occasions; the same ones are written once a day, which takes a tenth of a second."""
    name = clean(f"DEMO · {title}" if settings.DEMO else title)
    language = (translation.get_language() or "pl").upper()
    return HttpResponse(written(name, language, host(), clock.today(), tuple(occasions)), content_type=CONTENT_TYPE)


@lru_cache(maxsize=8)
def written(name: str, language: str, host: str, today: date, occasions: tuple[Occasion, ...]) -> bytes:
    """With the hours of Warsaw where an occasion has hours."""
    from icalendar import Calendar, Timezone

    calendar = Calendar()
    calendar.add("prodid", f"-//Charon//Charon//{language}")
    calendar.add("version", "2.0")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)  # the same for programs that are older than RFC 7986
    calendar.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    if any(one.start for one in occasions):
        years = date(today.year, 1, 1), date(today.year + 2, 1, 1)
        calendar.add_component(Timezone.from_tzinfo(clock.WARSAW, clock.WARSAW.key, *years))
    for one in occasions:
        calendar.add_component(event(one, today, host))
    body: bytes = calendar.to_ical()
    return body


def event(one: Occasion, today: date, host: str) -> "Event":
    """It takes nobody's time (`TRANSPARENT`), and is stamped with the day: the same bytes all day long."""
    from icalendar import Event

    made = Event()
    made.add("uid", f"{one.name}@{host}")
    made.add("dtstamp", datetime.combine(today, time.min, UTC))
    made.add("summary", clean(one.title))
    made.add("dtstart", one.start or one.day)
    made.add("dtend", one.end or one.day + DAY)
    made.add("transp", "TRANSPARENT")
    if one.text:
        made.add("description", clean(one.text))
    if one.url:
        made.add("url", clean(one.url))
    return made


def host() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"
