"""The history of an instrument as a table of its own: every day of a month, with months and years as links."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from charon.pages import rows
from markets import formats
from markets.decimals import scale_of
from markets.instruments.names import GOLD
from markets.queries import month as months
from markets.queries.month import MonthDay, TableOfDay
from markets.queries.table_day import LETTERS
from markets.views import Row

YEAR, MONTH = "rok", "miesiac"
ANCHOR = "#historia"
# A month of 100 instruments in both languages.
KEPT = 4096


class Columns(NamedTuple):
    """A row beside the figure for one: that per so many units, bid and ask; and the language of the words."""

    per: int
    banded: bool
    language: str


def context(code: str, query: Mapping[str, str], extent: tuple[date, date] | None = None) -> Row:
    """What `history/_month.html` draws; empty without any figure. Two queries, one where `extent` is known.

    `query` holds `rok` and `miesiac` as typed. What is no month of this history is the nearest one that is.
    """
    extent = extent or months.extent(code)
    if extent is None:
        return {}
    first, last = extent
    year = bounded(query.get(YEAR), last.year, first.year, last.year)
    low = first.month if year == first.year else 1
    high = last.month if year == last.year else 12
    month = bounded(query.get(MONTH), high, low, high)
    found = months.days(code, year, month)
    start, end = months.bounds(year, month)
    per = printed_units(row.mid for row in found if row.mid is not None)
    banded = any(row.bid for row in found)
    return {
        "code": code,
        "title": formats.month(start),
        "count": formats.plural(len(found), _("dzień,dni,dni")),
        "lines": lines(found, Columns(per, banded, get_language() or "")),
        "per": formats.whole(per) if per > 1 else "",
        "banded": banded,
        "gold": code == GOLD,
        "archive": any(not table.official for row in found for table in row.tables),
        "years": year_rows(code, (first.year, last.year), year, month, get_language() or ""),
        "months": month_rows(code, (low, high), year, month, get_language() or ""),
        "before": step(code, year, month, -1) if start > first else "",
        "after": step(code, year, month, 1) if end < last else "",
        "files": files(code, start, end),
    }


def bounded(text: str | None, default: int, low: int, high: int) -> int:
    try:
        return min(max(int(text or default), low), high)
    except ValueError:
        return default


def printed_units(values: Iterable[Decimal]) -> int:
    """How many units the NBP prints: the published decimals decide, up to four are per one and up to six per 100."""
    scale = max(map(scale_of, values), default=4)
    return 1 if scale <= 4 else 100 if scale <= 6 else 10_000


def per_many(value: Decimal, per: int) -> str:
    """`2,4728` for 0.024728 per 100."""
    shift = len(str(per)) - 1
    shown = value.scaleb(shift)
    return formats.number(shown.quantize(Decimal(1).scaleb(-max(4, scale_of(value) - shift))))


def lines(found: Iterable[MonthDay], columns: Columns) -> SafeString:
    """The body of the table as ready markup: in a template its rows cost a third of the page."""
    return format_html_join("\n", "{}", ((line(row, columns),) for row in found))


@lru_cache(KEPT)
def line(row: MonthDay, columns: Columns) -> SafeString:
    """Every word is escaped; the language is that of `columns`. With roles: on a phone a row is no row of a table."""
    per = columns.per
    shown = [("", figure(row.mid))]
    if per > 1:
        many = per_many(row.mid, per) if row.mid is not None else ""
        shown.append((_("za %(per)s") % {"per": formats.whole(per)}, many))
    if columns.banded:
        shown += [(_("Kupno"), figure(row.bid)), (_("Sprzedaż"), figure(row.ask))]
    return format_html(
        '<tr role="row"><th role="rowheader" scope="row"><time datetime="{}">{}</time></th>{}'
        '<td role="cell" class="wrap">{}</td></tr>',
        row.day.isoformat(), f"{formats.weekday(row.day)} {formats.day(row.day)}",
        format_html_join("", '<td role="cell" class="number" data-label="{}">{}</td>', shown),
        format_html_join(", ", "{}", ((linked(table, row.day),) for table in row.tables)),
    )  # fmt: skip


def figure(value: Decimal | None) -> str:
    return formats.DASH if value is None else formats.number(value)


def linked(table: TableOfDay, day: date) -> SafeString | str:
    """The number leads to the table of that day, where its proof stands; gold stands in none."""
    if table.letter not in LETTERS:
        return _("cena złota")
    href = reverse("table_day", args=[table.letter, day.isoformat()])
    return format_html('<a href="{}">{}</a>', href, table.number or _("tabela %s (archiwum)") % table.letter)


def address(code: str, year: int, month: int) -> str:
    return f"{rows.page_of(code)}?{urlencode({YEAR: year, MONTH: month})}{ANCHOR}"


# The newest month of 200 instruments in both languages.
@lru_cache(512)
def year_rows(code: str, span: tuple[int, int], current: int, month: int, language: str) -> list[Row]:  # noqa: ARG001
    first, last = span
    return [
        {"name": str(year), "href": address(code, year, month), "current": year == current}
        for year in range(last, first - 1, -1)
    ]


@lru_cache(512)
def month_rows(code: str, span: tuple[int, int], year: int, current: int, language: str) -> list[Row]:  # noqa: ARG001
    first, last = span
    return [
        {
            "name": formats.month(date(year, month, 1)).rpartition(" ")[0],
            "href": address(code, year, month),
            "current": month == current,
        }
        for month in range(first, last + 1)
    ]


def step(code: str, year: int, month: int, by: int) -> str:
    years, index = divmod(year * 12 + month - 1 + by, 12)
    return address(code, years, index + 1)


def files(code: str, start: date, end: date) -> list[Row]:
    """The same question as files of the API."""
    span = {"from": start.isoformat(), "to": end.isoformat()}
    gold = code == GOLD
    path = reverse("api:gold" if gold else "api:rates")
    asked = span if gold else {"code": code} | span
    kinds = {"CSV": "csv", _("CSV dla Excela"): "excel-pl", "XLSX": "xlsx"}
    return [{"name": name, "href": f"{path}?{urlencode(asked | {'format': kind})}"} for name, kind in kinds.items()]
