"""The calendars: when each table is expected, and the days on which none is."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from icalendar import Calendar, Component

from markets.models import Source
from markets.queries import calendars
from miner.providers import PROVIDERS
from tests.cases import walk
from tests.feed_reading import CALENDARS

pytestmark = pytest.mark.django_db
WARSAW = ZoneInfo("Europe/Warsaw")
PUBLICATIONS, POLISH, TARGET = CALENDARS


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-10-26 12:00")


def events(client: Client, path: str) -> list[Component]:
    return list(Calendar.from_ical(client.get(path).content).walk("VEVENT"))


def of(client: Client, series: str) -> dict[date, Component]:
    """The events of one table by their day."""
    found = [one for one in events(client, PUBLICATIONS) if str(one["UID"]).startswith(f"{series}.2")]
    return {date.fromisoformat(str(one["UID"]).partition("@")[0].rpartition(".")[2]): one for one in found}


def hours(event: Component) -> tuple[datetime, datetime]:
    return event.decoded("DTSTART"), event.decoded("DTEND")


@pytest.mark.slow
@walk(
    ("series", "begin", "end"),
    [("nbp.A", time(11, 45), time(12, 15)), ("nbp.B", time(11, 45), time(12, 15)), ("nbp.C", time(7, 45), time(8, 15)),
     ("ecb.eurofxref", time(16, 0), time(16, 30))],
)  # fmt: skip
def test_a_table_is_expected_in_its_hours_of_warsaw(client: Client, series: str, begin: time, end: time) -> None:
    found = of(client, series)
    assert found
    for day, event in found.items():
        whole = (datetime.combine(day, begin, WARSAW), datetime.combine(day, end, WARSAW))
        assert hours(event) == whole
        assert event["DTSTART"].params["TZID"] == "Europe/Warsaw"


def test_every_table_that_is_asked_for_is_expected(client: Client) -> None:
    """As the providers declare them: a new one is in the calendar without a line here."""
    found = {str(one["UID"]).partition("@")[0].rpartition(".")[0] for one in events(client, PUBLICATIONS)}
    declared = {
        f"{code}.{series.table}"
        for code, provider in PROVIDERS.items()
        for series in (provider.series if provider.scheduled else ())
        if series.last is None
    }
    assert found == declared >= {"nbp.A", "nbp.B", "nbp.C", "nbp.gold", "ecb.eurofxref"}


@pytest.mark.slow
def test_working_days_of_ninety_are_there_and_no_others(client: Client) -> None:
    days = [date(2026, 10, 26) + timedelta(days=number) for number in range(91)]
    assert [*of(client, "nbp.A")] == [day for day in days if calendars.is_working(day)]
    assert date(2026, 11, 11) not in of(client, "nbp.A"), "Independence Day"
    assert date(2026, 12, 24) not in of(client, "nbp.A"), "a holiday since 2025"
    assert date(2026, 11, 11) in of(client, "ecb.eurofxref"), "no holiday of TARGET"


def test_table_b_comes_on_wednesdays_and_before_a_holiday_a_day_earlier(client: Client) -> None:
    found = [*of(client, "nbp.B")]
    assert found[:4] == [date(2026, 10, 28), date(2026, 11, 4), date(2026, 11, 10), date(2026, 11, 18)]


def test_what_has_no_documented_hour_is_of_the_whole_day(client: Client) -> None:
    event = of(client, "nbp.gold")[date(2026, 10, 27)]
    assert hours(event) == (date(2026, 10, 27), date(2026, 10, 28))
    assert event["DTSTART"].params["VALUE"] == "DATE"
    assert event["SUMMARY"] == "Narodowy Bank Polski: złoto"


def test_winter_time_is_told_by_the_calendar_itself(client: Client) -> None:
    content = client.get(PUBLICATIONS).content
    assert content.count(b"BEGIN:VTIMEZONE") == 1
    zones = Calendar.from_ical(content).walk("VTIMEZONE")
    assert str(zones[0]["TZID"]) == "Europe/Warsaw"
    assert {part.name for part in zones[0].subcomponents} == {"STANDARD", "DAYLIGHT"}


@pytest.mark.slow
def test_a_source_that_is_off_or_closed_is_not_expected(client: Client) -> None:
    for change in ({"enabled": False}, {"enabled": True, "public_api": False}):
        Source.objects.filter(code="ecb").update(**change)
        assert of(client, "ecb.eurofxref") == {}
    assert of(client, "nbp.A")


def test_the_holidays_of_poland_have_their_names(client: Client) -> None:
    found = {one.decoded("DTSTART"): str(one["SUMMARY"]) for one in events(client, POLISH)}
    assert found[date(2026, 11, 11)] == "Narodowe Święto Niepodległości"
    assert found[date(2026, 12, 24)] == "Wigilia Bożego Narodzenia"
    assert len(found) == 28
    assert {day.year for day in found} == {2026, 2027}
    assert date(2026, 10, 25) not in found, "a Sunday is no holiday"


def test_the_closing_days_of_target_are_six_a_year(client: Client) -> None:
    found = {one.decoded("DTSTART"): str(one["SUMMARY"]) for one in events(client, TARGET)}
    assert sorted(found)[:6] == [
        date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 12, 25), date(2026, 12, 26),
    ]  # fmt: skip
    assert found[date(2026, 4, 3)] == "Wielki Piątek"
    assert len(found) == 12


def test_the_holidays_are_english_where_that_is_asked(client: Client) -> None:
    polish = {one.decoded("DTSTART"): str(one["SUMMARY"]) for one in events(client, f"{POLISH}?lang=en")}
    target = {one.decoded("DTSTART"): str(one["SUMMARY"]) for one in events(client, f"{TARGET}?lang=en")}
    assert polish[date(2026, 11, 11)] == "National Independence Day"
    assert (target[date(2026, 4, 3)], target[date(2026, 12, 25)]) == ("Good Friday", "Christmas Day")


@walk("path", CALENDARS)
def test_a_calendar_is_whole_by_the_standard(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    lines = response.content.split(b"\r\n")
    assert (lines[0], lines[-2:]) == (b"BEGIN:VCALENDAR", [b"END:VCALENDAR", b""])
    assert not [line for line in lines if b"\n" in line or b"\r" in line or len(line) > 75]
    calendar = Calendar.from_ical(response.content)
    assert (str(calendar["VERSION"]), str(calendar["PRODID"])) == ("2.0", "-//Charon//Charon//PL")
    found = calendar.walk("VEVENT")
    assert len({str(one["UID"]) for one in found}) == len(found) > 10
    for event in found:
        assert event.decoded("DTEND") > event.decoded("DTSTART")
        assert event["TRANSP"] == "TRANSPARENT"


@pytest.mark.slow
@walk("path", CALENDARS)
def test_the_bytes_are_the_same_all_day_and_the_names_for_ever(
    client: Client, at: Callable[[str], None], path: str
) -> None:
    at("2026-10-27 00:00")
    first, names = client.get(path).content, {str(one["UID"]) for one in events(client, path)}
    at("2026-10-27 23:59")
    assert client.get(path).content == first
    at("2026-10-28 12:00")
    later = {str(one["UID"]) for one in events(client, path)}
    assert len(later & names) > len(names) - 10


def test_the_names_are_of_the_public_address(client: Client, settings: Any) -> None:
    settings.PUBLIC_URL = "https://rates.example.org"
    assert str(events(client, POLISH)[0]["UID"]) == "pl.2026-01-01@rates.example.org"


@pytest.mark.slow
@walk("name", ["a;b,c\\d", "line\nbreak", "bell\x07", "x" * 120, "BEGIN:VEVENT\r\nSUMMARY:no"])
def test_no_name_of_a_source_breaks_a_calendar(client: Client, name: str) -> None:
    Source.objects.filter(code="ecb").update(name=name)
    content = client.get(PUBLICATIONS).content
    assert b"\x07" not in content
    found = of(client, "ecb.eurofxref")
    assert len(found) > 50
    shown = str(next(iter(found.values()))["SUMMARY"])
    assert shown == f"{name}: kursy referencyjne".replace("\x07", "\ufffd").replace("\r\n", "\n")


@pytest.mark.slow
def test_a_new_year_is_in_time(client: Client, at: Callable[[str], None]) -> None:
    at("2027-12-31 23:30")
    found = of(client, "nbp.A")
    assert min(found) == date(2027, 12, 31)
    assert max(found) > date(2028, 3, 25)
    assert hours(found[date(2028, 3, 27)])[0] == datetime(2028, 3, 27, 11, 45, tzinfo=WARSAW)
