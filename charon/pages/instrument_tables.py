"""The decisions of a rule and the statistics of a series, as the tables of an instrument's page."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from charon.pages import charts, rows
from charon.pages.badge import ICONS, word
from charon.pages.instrument_signal import States
from markets import formats
from markets.decimals import scale_of
from markets.queries.overview import LatestRate
from markets.views import Row
from signals import decided
from signals.decided import Decided, Stated
from signals.digits import rounded
from signals.rules import Rule
from signals.rules.macd_cross import MacdCross

# The newest decisions of 100 series in both languages.
KEPT = 4096


class Line(NamedTuple):
    """A decision as its row shows it; a withdrawn one has no close: its bar is none of the daily series any more."""

    number: int
    day: date
    signal: str
    close: float | None
    histogram: Decimal | None
    backtested: bool


def decision_rows(decisions: Sequence[Decided], rule: Rule, scale: int) -> SafeString:
    """The body of a table, as ready markup that escapes every word; the day leads to the explanation."""
    language, histogram = get_language() or "", isinstance(rule, MacdCross)
    return format_html_join(
        "\n", "{}", ((decision_line(line_of(one), scale, histogram, language),) for one in decisions)
    )


def line_of(one: Decided) -> Line:
    return Line(one.id, one.day, one.signal, one.values.get("close"), one.histogram, one.backtested)


@lru_cache(KEPT)
def decision_line(one: Line, scale: int, histogram: bool, language: str) -> SafeString:  # noqa: ARG001
    withdrawn = one.close is None
    close = formats.DASH if one.close is None else formats.number(rounded(one.close, scale))
    value = formats.DASH if withdrawn else charts.histogram_text(one.histogram, scale)
    figures = [("", close), (_("Histogram"), value)] if histogram else [("", close)]
    return format_html(
        '<tr role="row"><th role="rowheader" scope="row"><a href="{}"><time datetime="{}">{}</time></a></th>'
        '<td role="cell"><span class="chip {}"><span aria-hidden="true">{}</span> {}</span></td>{}'
        '<td role="cell" class="made"><small>{}</small></td></tr>',
        reverse("signal", args=[one.number]), one.day.isoformat(), formats.day(one.day),
        one.signal.lower(), ICONS[one.signal], word(one.signal),
        format_html_join("", '<td role="cell" class="number" data-label="{}">{}</td>', figures),
        _("wstecz") if one.backtested else _("na żywo"),
    )  # fmt: skip


def statistics(rule: Rule, states: States, line: LatestRate) -> list[Row]:
    found = (states.get((rule.name, window)) for window in decided.WINDOWS)
    return [statistics_row(one, line) for one in found if one and one.stats]


def statistics_row(state: Stated, line: LatestRate) -> Row:
    stats, scale = state.stats, scale_of(line.value)
    values = {name: formats.number(rounded(stats[name], scale)) for name in ("min", "max", "mean", "first")}
    change = rounded(stats["change"], scale)
    return values | {
        "days": stats["window_days"],
        "until": formats.day(date.fromisoformat(stats["as_of"])),
        "change": formats.signed(change),
        "percent": formats.percent(Decimal(repr(stats["change_pct"]))),
        "direction": rows.direction(change),
        "points": formats.whole(stats["points"]),
    }
