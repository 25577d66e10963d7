"""Tables A, B and C of a day as the NBP prints them, with number, proof and the tables around."""

from datetime import date, datetime

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import rows
from charon.pages.history import per_many, printed_units
from markets import clock, formats
from markets.queries import calendars, proofs, table_day
from markets.queries.gap_days import Word
from markets.queries.table_day import LETTERS, Line, TableDay
from markets.queries.tables import TIMETABLES
from markets.views import HtmxRequest, Row, page


@require_safe
@cache_control(no_cache=True)
@conditional_page
def view(request: HtmxRequest, table: str, day: str) -> HttpResponse:
    """404 for another letter, a day that does not exist, and a day without that table, which names the nearest ones."""
    letter = table.upper()
    asked = parsed(day)
    if letter not in LETTERS or asked is None:
        raise Http404
    if (letter, asked.isoformat()) != (table, day):
        return redirect("table_day", letter, asked.isoformat())
    found = table_day.read(letter, asked)
    before, after = table_day.around(letter, asked)
    shared: Row = {
        "letter": letter,
        "day": formats.day(asked),
        "long": formats.long_day(asked),
        "before": link(letter, before),
        "after": link(letter, after),
        "others": [link(other, asked) | {"letter": other} for other in LETTERS if other != letter],
    }
    now = clock.now()
    until = calendars.next_turn(now, [TIMETABLES[letter]])
    if found is None:
        why = why_not(letter, asked, [near for near in (before, after) if near], now)
        return page(request, "history/no_table.html", shared | {"why": why}, until=until, status=404)
    shared["sources"] = proofs.attributions()
    return page(request, "history/table.html", shared | context(found), until=until)


def parsed(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def link(letter: str, day: date | None) -> Row:
    if day is None:
        return {}
    return {"day": formats.day(day), "href": reverse("table_day", args=[letter, day.isoformat()])}


def why_not(letter: str, day: date, around: list[date], now: datetime) -> str:
    """Why the NBP has no such table: the calendar and its hours explain, the tables `around` decide."""
    match table_day.absence(letter, day, around, now):
        case Word.FUTURE:
            return _("Ten dzień jeszcze nie nadszedł.")
        case Word.HOLIDAY:
            return _("Brak notowań: %s.") % calendars.holiday(day)
        case Word.WEEKEND:
            return _("Brak notowań: %s.") % (_("sobota") if day.weekday() == calendars.SATURDAY else _("niedziela"))
        case Word.NOT_DUE:
            return _("Brak notowań: %s.") % _("tego dnia nie ogłasza się tabeli B")
        case Word.NOT_PUBLISHED:
            return _("Brak notowań: %s.") % _("NBP nie ogłosił tego dnia tabeli")
        case Word.EXPECTED:
            return _("Tabela z tego dnia jeszcze się nie ukazała.")
    return _("Brak danych: takiej tabeli z tego dnia tutaj nie ma.")


def context(found: TableDay) -> Row:
    return {
        "number": found.proof.number if found.proof else "",
        "source": found.source,
        "proof": found.proof,
        "traded": formats.day(found.proof.trading_date) if found.proof and found.proof.trading_date else "",
        "banded": any(line.bid is not None for line in found.lines),
        "lines": [line_row(line) for line in found.lines],
        "count": formats.plural(len(found.lines), _("waluta,waluty,walut")),
    }


def line_row(line: Line) -> Row:
    """In the units that the NBP prints, `100 JPY`; per one unit beside, with all digits."""
    values = [value for value in (line.mid, line.bid, line.ask) if value is not None]
    per = printed_units(values)
    return {
        "code": line.code,
        "href": rows.page_of(line.code),
        "name": line.name_en if formats.english() else line.name_pl,
        "unit": f"{formats.whole(per)}{formats.NBSP}{line.code}",
        "values": [per_many(value, per) if per > 1 else formats.number(value) for value in values],
        "one": formats.number(values[0]) if per > 1 else "",
    }
