"""The gap map: what became of each day of one table in one year, a square a day and a sign in each."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from charon.pages.instrument_figures import table_words
from markets import formats
from markets.clock import WARSAW
from markets.models import Source
from markets.queries import gap_days
from markets.queries.gap_days import DailyTable, Word
from markets.queries.table_day import LETTERS
from markets.views import Row
from miner.gaps.tables import daily
from miner.providers import PROVIDERS

# A sign and words for each state, so that none is told by its colour alone. Names of CSS classes are those of the enum.
STATES: dict[Word, tuple[str, str]] = {
    Word.PUBLISHED: ("●", gettext_noop("ogłoszono")),
    Word.HEALED: ("◉", gettext_noop("uzupełniono później")),
    Word.SUSPECT: ("!", gettext_noop("odrzucono część kursów")),
    Word.MISSING: ("✕", gettext_noop("brak danych")),
    Word.ACCEPTED: ("○", gettext_noop("brak danych, zaakceptowany")),
    Word.NOT_PUBLISHED: ("–", gettext_noop("brak notowań (źródło nic nie ogłosiło)")),
    Word.HOLIDAY: (gettext_noop("Ś"), gettext_noop("brak notowań (święto)")),
    Word.WEEKEND: ("·", gettext_noop("brak notowań (weekend)")),
    Word.NOT_DUE: (" ", gettext_noop("tej tabeli nie ogłasza się tego dnia")),
    Word.EXPECTED: ("…", gettext_noop("jeszcze dziś")),
    Word.FUTURE: (" ", gettext_noop("jeszcze nie nadszedł")),
    Word.OUTSIDE: (" ", gettext_noop("poza historią tabeli")),
}
# In this order: the tables of the NBP first.
SHOWN = (*LETTERS, "gold", "eurofxref")
ABBREVIATIONS = {"ecb": gettext_noop("EBC")}
REFERENCE_RATES = gettext_noop("kursy referencyjne")
DEFAULT = ("nbp", "A")
# Without a sign there is nothing to explain.
QUIET = {Word.NOT_DUE, Word.FUTURE, Word.OUTSIDE}


@dataclass(frozen=True, slots=True)
class Asked:
    """One table of one source and the year; `tables` are all that there are to choose from."""

    source: Source
    table: str
    series: DailyTable
    year: int
    tables: tuple[tuple[Source, str], ...]


def choose(sources: list[Source], query: Mapping[str, str], today: date) -> Asked | None:
    """What the address names; the NBP's table A of this year for what it does not. None before the first source."""
    there = [(source, table) for source in sources for table in tables_of(source)]
    found = tuple(sorted(there, key=lambda one: SHOWN.index(one[1])))
    if not found:
        return None
    wanted = (query.get("zrodlo", ""), query.get("tabela", ""))
    source, table = min(found, key=lambda one: ((one[0].code, one[1]) != wanted, (one[0].code, one[1]) != DEFAULT))
    series = series_of(source, table)
    last = min(series.last or today, today).year
    return Asked(source, table, series, year_of(query.get("rok"), series.first.year, last), found)


def tables_of(source: Source) -> list[str]:
    provider = PROVIDERS.get(source.code)
    return [series.table for series in provider.series if series.table in SHOWN] if provider else []


def series_of(source: Source, table: str) -> DailyTable:
    return daily(next(one for one in PROVIDERS[source.code].series if one.table == table))


def year_of(text: str | None, first: int, last: int) -> int:
    try:
        return min(max(int(text or last), first), last)
    except ValueError:
        return last


def context(asked: Asked, now: datetime) -> Row:
    """Two queries."""
    first, last = date(asked.year, 1, 1), date(asked.year, 12, 31)
    around = asked.series.timetable.longest_pause
    known = gap_days.known(asked.source, asked.table, first, last, around)
    words = {day: gap_days.word(day, asked.series, known, now) for day in days_between(first, last)}
    counted = Counter(words.values())
    return {
        "table": name_of(asked.source, asked.table),
        "year": asked.year,
        "months": [
            month_row(asked, list(days)) for _month, days in groupby(words.items(), key=lambda one: one[0].month)
        ],
        "numbers": range(1, 32),
        "legend": [legend_row(word, counted[word]) for word in STATES if counted[word] and word not in QUIET],
        "tables": [choice(asked, source, table) for source, table in asked.tables],
        "years": years(asked, now.astimezone(WARSAW).date()),
        "missing": formats.plural(counted[Word.MISSING], _("dzień,dni,dni")) if counted[Word.MISSING] else "",
        "known": bool(known.published),
    }


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def month_row(asked: Asked, days: list[tuple[date, Word]]) -> Row:
    return {
        "name": formats.month(days[0][0]).rpartition(" ")[0],
        "days": [square(asked, day, word) for day, word in days],
        "rest": range(31 - len(days)),
    }


def square(asked: Asked, day: date, word: Word) -> Row:
    """What was published leads to its table."""
    sign, words = STATES[word]
    reached = word in {Word.PUBLISHED, Word.HEALED, Word.SUSPECT} and asked.table in LETTERS
    return {
        "sign": _(sign),
        "kind": word.value,
        "title": f"{formats.day(day)}: {_(words)}",
        "href": reverse("table_day", args=[asked.table, day.isoformat()]) if reached else "",
    }


def legend_row(word: Word, count: int) -> Row:
    sign, words = STATES[word]
    return {"sign": _(sign), "kind": word.value, "words": _(words), "count": formats.whole(count)}


def address(**values: object) -> str:
    return f"{reverse('data')}?{urlencode(values)}"


def choice(asked: Asked, source: Source, table: str) -> Row:
    href = address(zrodlo=source.code, tabela=table, rok=asked.year)
    return {"name": name_of(source, table), "href": href, "current": (source, table) == (asked.source, asked.table)}


def name_of(source: Source, table: str) -> str:
    bank = ABBREVIATIONS.get(source.code)
    return f"{_(bank) if bank else source.code.upper()}: {words_of(table)}"


def words_of(table: str) -> str:
    if table in LETTERS:
        return _("tabela %s") % table
    return table_words(table) if table == "gold" else _(REFERENCE_RATES)


def years(asked: Asked, today: date) -> list[Row]:
    last = min(asked.series.last or today, today).year
    return [
        {
            "name": str(year),
            "href": address(zrodlo=asked.source.code, tabela=asked.table, rok=year),
            "current": year == asked.year,
        }
        for year in range(last, asked.series.first.year - 1, -1)
    ]
