"""A calendar (RFC 5545) out of events. The library is loaded with the first one: it weighs 9 MB in a process."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
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
    """The calendar of these occasions, with the hours of Warsaw for as long as they last."""
    from icalendar import Calendar, Timezone

    calendar, today = Calendar(), clock.today()
    name = clean(f"DEMO · {title}" if settings.DEMO else title)
    calendar.add("prodid", f"-//Charon//Charon//{(translation.get_language() or 'pl').upper()}")
    calendar.add("version", "2.0")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)  # the same for programs that are older than RFC 7986
    calendar.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    found = list(occasions)
    if any(one.start for one in found):
        years = date(today.year, 1, 1), date(today.year + 2, 1, 1)
        calendar.add_component(Timezone.from_tzinfo(clock.WARSAW, clock.WARSAW.key, *years))
    for one in found:
        calendar.add_component(event(one, today))
    return HttpResponse(calendar.to_ical(), content_type=CONTENT_TYPE)


def event(one: Occasion, today: date) -> "Event":
    """It takes nobody's time (`TRANSPARENT`), and is stamped with the day: the same bytes all day long."""
    from icalendar import Event

    made = Event()
    made.add("uid", f"{one.name}@{host()}")
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
