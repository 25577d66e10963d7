"""Figures and signals as ready strings for templates: filters in a loop of 150 rows cost four fifths of a page."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from charon.pages import sparkline
from charon.pages.badge import ICONS, Badges, word
from markets import formats
from markets.decimals import scale_of
from markets.instruments import redenominations
from markets.instruments.names import GOLD, currency_name
from markets.queries import overview
from markets.queries.overview import LatestRate
from markets.views import Row
from signals.models import Signal
from signals.queries import SignalState

ARROWS = {"up": "▲", "down": "▼", "flat": ""}
EXPLANATION = "#sygnal"


def page_of(code: str) -> str:
    return reverse("gold") if code == GOLD else reverse("currency", args=[code])


def direction(change: Decimal | None) -> str:
    if not change:
        return "flat"
    return "up" if change > 0 else "down"


def figures(line: LatestRate) -> Row:
    """What a tile and a row of the table have in common. The decimals stand apart so that points align."""
    value = formats.number(line.value)
    whole, comma, decimals = value.partition(",")
    way = direction(line.change)
    return {
        "code": line.code,
        "name": line.name,
        "href": page_of(line.code),
        "value": value,
        "whole": whole,
        "decimals": comma + decimals,
        "change": "" if line.change is None else formats.signed(line.change),
        "percent": "" if line.percent is None else formats.percent(line.percent),
        "direction": way,
        "arrow": ARROWS[way],
        "new_unit": line.day == redenominations.newest_break(line.code, line.day),
        "iso": line.day.isoformat(),
        "day": formats.day(line.day),
    }


def currency_row(line: LatestRate, badges: Badges) -> Row:
    many = overview.per_many(line)
    year = year_range(line, badges.standings.get(line.code))
    return figures(line) | {
        "unit": line.unit,
        "table": line.table,
        "sort": f"{line.value:f}",
        "sort_change": "" if line.percent is None else f"{line.percent:.6f}",
        "many": f"{formats.whole(many[0])} {line.code} = {formats.number(many[1])} zł" if many else "",
        "chip": badges.of(line),
        "range": year,
        "sort_range": year["sort"] if year else "",
    }


def retired_row(line: LatestRate) -> Row:
    return figures(line)


def year_range(line: LatestRate, state: SignalState | None) -> Row | None:
    """Lowest and highest of 52 weeks, the newest figure included; only for a series that is decided on, in one unit."""
    if state is None or state.low is None or state.high is None or line.table == "B":
        return None
    if redenominations.crosses(line.code, state.as_of or line.day, line.day):
        return None
    low, high = min(as_printed(state.low, line), line.value), max(as_printed(state.high, line), line.value)
    share = sparkline.share(line.value, low, high)
    return {
        "low": formats.number(low),
        "high": formats.number(high),
        "x": sparkline.dot(share),
        "sort": f"{share:.4f}",
    }


def tile(code: str, line: LatestRate | None, badges: Badges, month: Sequence[Decimal], today: date) -> Row:
    """One of the figures on top; without a figure its place is kept, with the reason."""
    if line is None:
        name = _("złoto") if code == GOLD else currency_name(code, "pl")
        return {"code": code, "name": name, "href": page_of(code), "gold": code == GOLD}
    old = line.retired or line.day < badges.truth.fresh_from
    return figures(line) | {
        "gold": code == GOLD,
        "ounce": f"{formats.number(overview.per_ounce(line))} zł/uncję" if code == GOLD else "",
        "old": old,
        "retired": line.retired,
        "age": formats.days_ago(line.day, today) if old else "",
        "points": sparkline.points(month),
        "month": month_words(line, month),
        "chip": badges.of(line),
    }


def as_printed(value: Decimal, line: LatestRate) -> Decimal:
    """Another figure of the same series with the decimals of the newest."""
    return value.quantize(Decimal(1).scaleb(-scale_of(line.value)))


def month_words(line: LatestRate, month: Sequence[Decimal]) -> str:
    """What the drawing shows, for those who do not see it."""
    if len(month) < 2:
        return ""
    low, high = (formats.number(as_printed(value, line)) for value in (min(month), max(month)))
    return _("Ostatnie 30 dni: najniżej %(low)s, najwyżej %(high)s.") % {"low": low, "high": high}


def recent_row(signal: Signal, line: LatestRate, badges: Badges, today: date) -> dict[str, Any]:
    day = signal.as_of.date()
    return {
        "code": signal.instrument.code,
        "name": signal.instrument.name,
        "href": page_of(signal.instrument.code) + EXPLANATION,
        "kind": signal.signal.lower(),
        "icon": ICONS[signal.signal],
        "text": word(signal.signal),
        "iso": day.isoformat(),
        "day": formats.day(day),
        "ago": formats.days_ago(day, today),
        "old": badges.old(line),
    }
