"""The days between the one asked for and its table, with the reason: `15–16.03.2025: sobota, niedziela`."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from markets import formats
from markets.views import Row

DAY = timedelta(days=1)
SATURDAY = 5
REASONS = {
    "not_a_table_day": gettext_noop("tego dnia nie ogłasza się tabeli B"),
    "target_holiday": gettext_noop("dzień wolny w systemie TARGET"),
    "no_publication": gettext_noop("brak notowań"),
    "not_yet_published": gettext_noop("tabela jeszcze się nie ukazała"),
    "missing_here": gettext_noop("brak danych"),
}


def rows(skipped: Sequence[dict[str, str]]) -> list[Row]:
    """In the order of the calendar; days in a row that have one reason are one line."""
    days = sorted((date.fromisoformat(one["date"]), one["reason"], one.get("name", "")) for one in skipped)
    runs: list[list[Any]] = [days[:1]] if days else []
    for before, one in pairwise(days):
        if one[0] - before[0] == DAY and one[1:] == before[1:]:
            runs[-1].append(one)
        else:
            runs.append([one])
    return [
        {"days": span(run[0][0], run[-1][0]), "reason": reason([one[0] for one in run], *run[0][1:])} for run in runs
    ]


def reason(days: Sequence[date], code: str, name: str) -> str:
    if code == "weekend":
        words = (_("sobota"), _("niedziela"))
        return ", ".join(dict.fromkeys(words[day.weekday() - SATURDAY] for day in days))
    return name if code == "holiday" and name else _(REASONS[code])


def span(first: date, last: date) -> str:
    """`15–16.03.2025`, `31.05–01.06.2025`, in English `15–16 Mar 2025`."""
    whole = formats.day(last)
    if first == last:
        return whole
    if (first.year, first.month) == (last.year, last.month):
        short = f"{first.day}" if formats.english() else f"{first:%d}"
        return f"{short}–{whole}"
    if first.year == last.year:
        full, year = formats.day(first), f"{first.year}"
        return f"{full.removesuffix(year).rstrip(' .')}–{whole}" if not formats.english() else f"{full} – {whole}"
    return f"{formats.day(first)} – {whole}"
