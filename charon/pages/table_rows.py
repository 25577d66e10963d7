"""Rows of the tables of currencies as ready strings: a template took 23 ms for 148 of them, a kept string takes none.

Every word from the database or the catalogue goes through `escape` here and nowhere else. A row is kept by all that it
is made of, so that a new figure, state or language is a new row.
"""

import html
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from charon.pages import collation, rows
from charon.pages.badge import badge
from markets import formats
from markets.queries.overview import LatestRate
from markets.views import Row
from signals.queries import SignalState

# 200 codes in two languages, of today and yesterday.
KEPT = 1024
BAR = '<svg class="range" viewBox="0 0 64 8" width="64" height="8" aria-hidden="true" focusable="false">'
escape = html.escape


class TableRow(NamedTuple):
    """`html` begins behind `<tr`: a row that the filter leaves out is written with `hidden`. `keys` by name of the
    sort, None for what has none; `text` is what the filter looks in.
    """

    code: str
    table: str
    text: str
    keys: dict[str, collation.Key | Decimal | str | None]
    html: str


def table_row(line: LatestRate, state: SignalState | None, *, old: bool, filling: bool) -> TableRow:
    return kept_row(line, written_as(line), state, old, filling, get_language() or "")


def written_as(line: LatestRate) -> str:
    """For a cache: to it 0.024700 is 0.0247, though the one is printed per 100 and the other is not."""
    return f"{line.value} {line.change}"


@lru_cache(KEPT)
def kept_row(
    line: LatestRate, written: str, state: SignalState | None, old: bool, filling: bool, language: str  # noqa: ARG001
) -> TableRow:  # fmt: skip
    shown, year = rows.figures(line), rows.year_range(line, state)
    chip = badge(line, state, _("na starych danych") if old else "", filling=filling)
    cells = (
        f'<th role="rowheader" scope="row" class="code">{link(shown)}</th>',
        cell("name", escape(line.name)),
        cell("unit", unit(line)),
        cell("number", rate(shown), f"{line.value:f}"),
        cell(f"number change {shown['direction']}", change(shown), percent_key(line)),
        cell("span", span(year), str(year["sort"]) if year else ""),
        cell("signal", signal(chip, str(shown["href"])), str(chip["rank"])),
        cell("day", day(line, shown), line.day.isoformat()),
    )
    keys: dict[str, collation.Key | Decimal | str | None] = {
        "kod": collation.key(line.code, language),
        "nazwa": collation.key(line.name, language),
        "kurs": line.value,
        "zmiana": line.percent,
        "zakres": Decimal(str(year["sort"])) if year else None,
        "sygnal": str(chip["rank"]) or None,
        "dzien": line.day.isoformat(),
    }
    return TableRow(
        line.code, line.table, collation.plain(f"{line.code} {line.name}"), keys, f' role="row">{"".join(cells)}</tr>'
    )


def retired_row(line: LatestRate) -> TableRow:
    return kept_retired(line, written_as(line), get_language() or "")


@lru_cache(KEPT)
def kept_retired(line: LatestRate, written: str, language: str) -> TableRow:  # noqa: ARG001
    shown = rows.figures(line)
    since = f'<time datetime="{shown["iso"]}">{escape(str(shown["day"]))}</time>'
    cells = (
        f'<th scope="row" class="code">{link(shown)}</th><td class="name">{escape(line.name)}</td>',
        f'<td class="number">{rate(shown)}</td><td>{escape(_("wycofana, ostatni kurs z %s")) % since}</td>',
    )
    text = collation.plain(f"{line.code} {line.name}")
    key = collation.key(line.code, language)
    return TableRow(line.code, line.table, text, {"kod": key}, f">{''.join(cells)}</tr>")


def cell(name: str, inner: str, value: str | None = None) -> str:
    """`value` is what the column is sorted by; `inner` is markup."""
    sort = "" if value is None else f' data-v="{escape(value)}"'
    return f'<td role="cell" class="{name}"{sort}>{inner}</td>'


def link(shown: Row) -> str:
    return f'<a href="{escape(str(shown["href"]))}">{escape(str(shown["code"]))}</a>'


def unit(line: LatestRate) -> str:
    many = rows.per_many(line)
    return f"<span>{escape(line.unit)}</span>" + (f" <small>{escape(many)}</small>" if many else "")


def rate(shown: Row) -> str:
    return f'{shown["whole"]}<span class="dec">{shown["decimals"]}</span>'


def change(shown: Row) -> str:
    if not shown["change"]:
        return formats.DASH
    arrow = f'<span aria-hidden="true">{shown["arrow"]}</span> ' if shown["arrow"] else ""
    return f'{arrow}{shown["change"]} <span class="percent">{shown["percent"]}</span>'


def percent_key(line: LatestRate) -> str:
    return "" if line.percent is None else f"{line.percent:.6f}"


def span(year: Row | None) -> str:
    if year is None:
        return formats.DASH
    bar = f'{BAR}<path d="M1 4h62"/><circle cx="{year["x"]}" cy="4" r="4"/></svg>'
    return f'<span class="low">{year["low"]}</span> {bar} <span class="high">{year["high"]}</span>'


def signal(chip: Row, href: str) -> str:
    """That it stands on old figures is said once, above the table: `aria-describedby` leads there."""
    if not chip["icon"]:
        return f'<span class="none">{escape(str(chip["text"]))}</span>'
    classes = f"chip {chip['kind']}{' old' if chip['old'] else ''}"
    told = ' aria-describedby="stare-dane"' if chip["old"] else ""
    text = f'<span aria-hidden="true">{chip["icon"]}</span> {escape(str(chip["text"]))}'
    since = f' <small class="since">{escape(str(chip["since"]))}</small>' if chip["since"] else ""
    return f'<a class="{classes}" href="{escape(href)}{rows.EXPLANATION}"{told}>{text}</a>{since}'


def day(line: LatestRate, shown: Row) -> str:
    href = reverse("table_day", args=[line.table, line.day.isoformat()])
    time = f'<time datetime="{shown["iso"]}">{escape(str(shown["day"]))}</time>'
    return f'<a href="{escape(href)}"><span>{escape(line.table)}</span> {time}</a>'
