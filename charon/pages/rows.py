"""Figures as ready strings: what a tile, a row of the table and an instrument's page have in common."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from charon.pages import sparkline
from charon.pages.badge import Badges
from markets import formats
from markets.decimals import scale_of
from markets.instruments import redenominations
from markets.instruments.names import GOLD, METALS, currency_name
from markets.queries import overview
from markets.queries.overview import LatestRate
from markets.views import Row
from signals.queries import SignalState

ARROWS = {"up": "▲", "down": "▼", "flat": ""}
EXPLANATION = "#sygnal"
# Codes in two languages; an unknown one that somebody asks for again and again drives out no more than one of them.
KEPT = 1024


def page_of(code: str) -> str:
    return address_of(code, get_language() or "")


@lru_cache(KEPT)
def address_of(code: str, language: str) -> str:  # noqa: ARG001  `reverse` reads the language that is in effect
    return reverse("gold") if code == GOLD else reverse("currency", args=[code])


def direction(change: Decimal | None) -> str:
    if not change:
        return "flat"
    return "up" if change > 0 else "down"


def figures(line: LatestRate) -> Row:
    """What a tile and a row of the table have in common. The decimals stand apart so that points align."""
    value = formats.number(line.value)
    way = direction(line.change)
    whole, decimals = parts(value)
    return {
        "code": line.code,
        "name": line.name,
        "href": page_of(line.code),
        "value": value,
        "whole": whole,
        "decimals": decimals,
        "change": "" if line.change is None else formats.signed(line.change),
        "percent": "" if line.percent is None else formats.percent(line.percent),
        "direction": way,
        "arrow": ARROWS[way],
        "new_unit": line.day == redenominations.newest_break(line.code, line.day),
        "iso": line.day.isoformat(),
        "day": formats.day(line.day),
    }


def parts(value: str) -> tuple[str, str]:
    """`5348` and `,26`; in English, where the comma parts thousands, `5,348` and `.26`."""
    point = formats.chosen(None).point
    whole, mark, decimals = value.partition(point)
    return whole, mark + decimals


def per_many(line: LatestRate) -> str:
    """`100 JPY = 2,4728 zł` where the NBP prints it so; empty per one."""
    many = overview.per_many(line)
    return f"{formats.whole(many[0])}\u00a0{line.code} = {formats.money(many[1])}" if many else ""


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
    unit = _("zł/g") if code == GOLD else _("zł")
    if line is None:
        why = _("Brak danych: cenę złota podaje tylko API NBP.") if code == GOLD else _("Brak danych.")
        return {"code": code, "name": name_of(code), "href": page_of(code), "unit": unit, "why": why}
    old = line.retired or line.day < badges.truth.fresh_from
    return figures(line) | {
        "unit": unit,
        "ounce": _("%s zł/uncję") % formats.number(overview.per_ounce(line)) if code == GOLD else "",
        "old": old,
        "age": formats.days_ago(line.day, today) if old else "",
        "unchanged": "" if line.change is not None or line.retired else why_unchanged(line, filling=badges.filling),
        "points": sparkline.points(month),
        "said": month_words(line, month),
        "chip": badges.of(line),
        "rule": badges.rule,
    }


def name_of(code: str) -> str:
    """Of what has no figure yet."""
    if code == GOLD:
        return METALS[GOLD][formats.english()]
    return currency_name(code, "en" if formats.english() else "pl")


def why_unchanged(line: LatestRate, *, filling: bool) -> str:
    """In the place of a change that cannot be told."""
    if line.day == redenominations.newest_break(line.code, line.day):
        return _("pierwszy kurs nowej jednostki")
    return _("poprzednie notowanie jeszcze niewczytane") if filling else _("brak poprzedniego notowania")


def as_printed(value: Decimal, line: LatestRate) -> Decimal:
    """Another figure of the same series with the decimals of the newest."""
    return value.quantize(Decimal(1).scaleb(-scale_of(line.value)))


def month_words(line: LatestRate, month: Sequence[Decimal]) -> str:
    """What the drawing shows, for those who do not see it."""
    if len(month) < 2:
        return ""
    low, high = (formats.number(as_printed(value, line)) for value in (min(month), max(month)))
    return _("Ostatnie 30 dni: najniżej %(low)s, najwyżej %(high)s.") % {"low": low, "high": high}
