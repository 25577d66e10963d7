"""The scanner: every followed coin with its price and what the engine keeps of its newest candle. Seven queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages.crypto import figures, live, markets_beside, scan_cells, scan_order, source_notes, words
from charon.pages.crypto.scan_cells import RATING
from charon.pages.crypto.scan_order import Line
from markets.licence import Audience
from markets.models import Instrument
from markets.queries import followed, gold_in_dollars, market_quotes, market_state
from markets.queries.followed import Followed, SourceFacts
from markets.queries.kept import KeptQuestion
from markets.queries.market_quotes import SourceQuote, Steps
from markets.views import BUSY, HtmxRequest, Row, page
from signals import stands
from signals.rules import Rule
from signals.stands import Stands

DEFAULT_TIMEFRAME = "1h"
POPULAR = ("BTC", "ETH")
# The drawing: the closes of 24 hours, and where there are no candles the prices of every second hour.
HOURS = 24
TWO_HOURS = Steps(timedelta(hours=2), 12)
COLUMNS = {"rsi": "rsi", "vwap": "vwap", "bands": "wstegi", "squeeze": "squeeze", RATING: "ocena"}


@dataclass(frozen=True, slots=True)
class About:
    """What all rows have in common; `decided`: the pair of each coin whose candles the rules decide on."""

    timeframe: str
    rules: Mapping[str, Rule | None]
    sources: Mapping[str, SourceFacts]
    decided: Mapping[str, str]


@require_safe
@cache_control(no_cache=True)
@conditional_page
def scanner(request: HtmxRequest) -> HttpResponse:
    asked = request.GET.get("interwal", "")
    timeframe = asked if asked in words.TIMEFRAMES else DEFAULT_TIMEFRAME
    found, until = context(timeframe, *scan_order.chosen(request.GET.get("sort", "")))
    return page(request, "crypto/scanner.html", found, until)


def context(timeframe: str, column: str, falling: bool) -> tuple[Row, datetime]:
    there = followed.followed()
    coins, others = popular_first(there), [one for one in there if not one.is_coin]
    sources = followed.sources()
    priced = quotes_of_followed()
    stood = stands.of_followed_coins(timeframe)
    drawn = followed.closes([one.pk for one in coins], "1h", HOURS)
    decided = {one.base: one.code for one in coins if one.pk in stood}
    about = About(timeframe, scan_cells.known_rules(), sources, decided)
    lines = [line(one, priced.get(one.code, []), stood.get(one.pk, {}), drawn.get(one.pk, []), about) for one in coins]
    codes = {code for one in there for code in one.sources}
    fillings = market_state.fillings(codes)
    until = figures.until(
        (quote for found in priced.values() for quote in found),
        (stand for found in stood.values() for stand in found.values()),
        hourly=True,
    )
    return {
        "rows": scan_order.ordered(lines, column, falling),
        "heads": scan_order.heads(column, falling, lambda sort: address(timeframe, sort)),
        "tabs": [tab(name, timeframe, column, falling) for name in words.TIMEFRAMES],
        "timeframe": words.timeframe(timeframe),
        "here": address(timeframe, sort_text(column, falling)),
        "no_candles": bool(coins) and timeframe == "1d" and not stood,
        **markets_beside.context(others, priced, sources),
        "notes": source_notes.notes(sources, market_state.faults(codes), fillings),
        "sources": followed.shown(sources.values()),
        "stream": live.stream(),
        "every": BUSY,
    }, until


def popular_first(there: Iterable[Followed]) -> list[Followed]:
    coins = [one for one in there if one.is_coin]
    return sorted(coins, key=lambda one: (POPULAR.index(one.base) if one.base in POPULAR else len(POPULAR), one.code))


def asked() -> QuerySet[Instrument, Any]:
    """What is followed, and those of the NBP that gold in dollars is derived from."""
    return Instrument.objects.filter(Q(listings__tracked=True) | Q(code__in=gold_in_dollars.CODES)).values("pk")


PRICE_COLUMNS = market_quotes.columns(TWO_HOURS)
PRICES = KeptQuestion(lambda: market_quotes.question(asked(), Audience.PAGE, TWO_HOURS).values_list(*PRICE_COLUMNS))


def quotes_of_followed() -> dict[str, list[SourceQuote]]:
    """By code; one query."""
    rows = (dict(zip(PRICE_COLUMNS, row, strict=True)) for row in PRICES.rows())
    return {ranked[0].latest.code: ranked for ranked in market_quotes.arranged(rows, TWO_HOURS).values()}


def line(
    one: Followed,
    quotes: Sequence[SourceQuote],
    stood: Stands,
    closes: Sequence[Decimal],
    about: About,
) -> Line:
    quote = quotes[0] if quotes else None
    cells = scan_cells.cells(stood, about.timeframe, about.rules)
    keys: dict[str, float | str | None] = {COLUMNS[name]: cell.key for name, cell in cells.items()}
    shown: Row = {
        "code": one.code,
        "base": one.base,
        "quote": one.quote,
        "name": one.name.partition(" (")[0],
        "href": words.page_of(one.code),
        "urgent": one.is_urgent,
        "price": figures.price_row(quote) if quote else None,
        "why_no_price": "" if quote else source_notes.why_no_price(one, about.sources),
        "line": drawing(quote, closes),
        "cells": cells,
        "why": "" if stood else why_no_cells(one, bool(closes), about.timeframe, about.sources),
        "decided": "" if closes else about.decided.get(one.base, ""),
    }
    return Line(shown, keys | price_keys(one, quote))


def price_keys(one: Followed, quote: SourceQuote | None) -> dict[str, float | str | None]:
    change = quote.latest.change if quote else None
    return {
        "para": one.code,
        "cena": float(quote.latest.price) if quote else None,
        "zmiana": None if change is None else float(change),
    }


def drawing(quote: SourceQuote | None, closes: Sequence[Decimal]) -> Row:
    points = closes if len(closes) >= market_quotes.FEWEST_POINTS else quote.points if quote else ()
    scale = figures.digits(quote) if quote else 0
    return figures.line_row(points, scale, _("Ostatnie 24 godziny: najniżej %(low)s, najwyżej %(high)s."))


def why_no_cells(one: Followed, has_candles: bool, timeframe: str, sources: Mapping[str, SourceFacts]) -> str:
    """Why nothing is known of this timeframe; a cell alone says it of a rule alone."""
    if not has_candles:
        return _("źródło nie podaje świec")
    if source_notes.is_closed(one, sources):
        return _("wskaźniki niepubliczne: licencja źródła")
    return _("brak świec dziennych") if timeframe == "1d" else _("jeszcze nie wyliczono")


def sort_text(column: str, falling: bool) -> str:
    return f"{'-' if falling else ''}{column}"


def address(timeframe: str, sort: str) -> str:
    kept = "" if timeframe == DEFAULT_TIMEFRAME else timeframe
    return scan_order.query(reverse("crypto"), interwal=kept, sort=sort)


def tab(name: str, timeframe: str, column: str, falling: bool) -> Row:
    text = sort_text(column, falling)
    return {"name": name, "title": words.timeframe(name), "href": address(name, text), "current": name == timeframe}
