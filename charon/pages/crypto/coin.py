"""The page of one coin or market: price, chart, rules with reasons, alerts, and all sources side by side.

Five queries: what the address means, prices, states of the rules, reasons, alerts; the chart asks for its own.
"""

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import charts, listing, rows
from charon.pages.crypto import (
    coin_alerts,
    coin_rules,
    coin_sources,
    coin_window,
    figures,
    live,
    markets_beside,
    scanner,
    source_notes,
    words,
)
from markets.instruments.names import GOLD
from markets.licence import Audience
from markets.models import Instrument
from markets.queries import followed, gold_in_dollars, listed, market_quotes
from markets.queries.followed import Followed, SourceFacts
from markets.queries.gold_in_dollars import Derived
from markets.queries.market_quotes import SourceQuote, Steps
from markets.views import BUSY, HtmxRequest, Row, page
from signals import stands
from signals.stands import Stands

# Parameters of this page and of its chart; others are dropped from its links.
KEPT = ("okno", "interwal", "zrodlo", "od", "do", "wskazniki", "porownaj", "skala")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page is about, and at which address."""

    one: Followed
    listed: dict[str, SourceFacts]
    path: str
    asked: QueryDict


@require_safe
@cache_control(no_cache=True)
@conditional_page
def coin(request: HtmxRequest, symbol: str) -> HttpResponse:
    """One address a coin: every other spelling leads there."""
    found = followed.asset(symbol) if len(symbol) <= listing.LONGEST_CODE else None
    if found is None:
        return unknown(request, symbol)
    one, sources = found
    target = canonical(one)
    if target != request.path:
        query = request.GET.urlencode()
        return redirect(f"{target}?{query}" if query else target)
    return show(request, Shown(one, sources, target, request.GET))


@require_safe
@cache_control(no_cache=True)
@conditional_page
def asset(request: HtmxRequest, symbol: str) -> HttpResponse:
    """The same page under the address of its seed document, which answers every spelling."""
    found = followed.asset(symbol) if len(symbol) <= listing.LONGEST_CODE else None
    if found is None:
        return unknown(request, symbol)
    one, sources = found
    if is_official(one):
        return redirect(canonical(one))
    return show(request, Shown(one, sources, reverse("ui_asset", args=[symbol]), request.GET))


def is_official(one: Followed) -> bool:
    """Rates of the NBP have pages of their own."""
    return one.kind == Instrument.Kind.CURRENCY or one.code == GOLD


def canonical(one: Followed) -> str:
    return rows.page_of(one.code) if is_official(one) else words.page_of(one.code)


def unknown(request: HtmxRequest, symbol: str) -> HttpResponse:
    if len(symbol) > listing.LONGEST_CODE:
        raise Http404
    text = symbol.replace("\0", "\N{REPLACEMENT CHARACTER}")
    near = [{"code": code, "href": words.page_of(code)} for code in listed.nearest_assets(text)]
    return render(request, "crypto/unknown.html", {"code": text.upper(), "nearest": near}, status=404)


def show(request: HtmxRequest, shown: Shown) -> HttpResponse:
    context, until = context_of(shown)
    return page(request, "crypto/coin.html", context, until)


def context_of(shown: Shown) -> tuple[Row, datetime]:
    one = shown.one
    window = coin_window.chosen(shown.asked.get("okno", ""))
    priced = quotes_of(one, coin_window.WINDOWS[window].steps)
    quotes = priced.get(one.code, [])
    gold = gold_in_dollars.derived(priced) if one.code == markets_beside.GOLD else None
    asked = shown.asked.get("interwal", "")
    timeframe = asked if asked in words.TIMEFRAMES else scanner.DEFAULT_TIMEFRAME
    decided, stood = stands_of(one, timeframe)
    quote = quotes[0] if quotes else None
    scale = figures.digits(quote) if quote else one.scale
    until = figures.until([found for ranked in priced.values() for found in ranked], stood.values())
    return {
        "one": one,
        "chart": charts.candle_row(shown.asked, decided or one.code, page=shown.path, name=one.name.partition(" (")[0]),
        "code": one.code,
        "name": one.name.partition(" (")[0],
        "canonical": canonical(one),
        "here": address(shown),
        "price": price_of(quote, gold),
        "why_no_price": source_notes.why_no_price(one, shown.listed),
        "window": coin_window.window_row(quote, window),
        "windows": [window_link(shown, name, name == window) for name in coin_window.WINDOWS],
        "timeframe": words.timeframe(timeframe),
        "timeframes": [timeframe_link(shown, name, name == timeframe) for name in words.TIMEFRAMES],
        "decided": "" if decided in {"", one.code} else decided,
        **coin_rules.context(stood, timeframe, scale),
        "why_no_rules": scanner.why_no_cells(one, one.has_candles, timeframe, shown.listed),
        "alerts": coin_alerts.recent(one),
        "origins": coin_sources.rows(quotes, shown.listed, gold),
        "hidden": source_notes.hidden_rows([one], shown.listed),
        "sources": footer(shown.listed, priced),
        "stream": live.stream(),
        "every": BUSY,
    }, until


def quotes_of(one: Followed, steps: Steps) -> dict[str, list[SourceQuote]]:
    """By code; for gold in dollars also what it is derived from."""
    if one.code != markets_beside.GOLD:
        own = market_quotes.quotes_of_one(one.pk, Audience.PAGE, steps)
        return {one.code: own} if own else {}
    both = Instrument.objects.filter(pk=one.pk) | Instrument.objects.filter(code__in=gold_in_dollars.CODES)
    found = market_quotes.quotes(both.values("pk"), Audience.PAGE, steps)
    return {ranked[0].latest.code: ranked for ranked in found.values()}


def stands_of(one: Followed, timeframe: str) -> tuple[str, Stands]:
    """Which pair the rules decide on, and how they stand: its own candles, else those of another pair of this coin."""
    found = stands.of_coin(one.kind, one.base, timeframe) if one.is_coin else stands.of_one(one.pk, timeframe)
    if one.pk in found:
        return one.code, found[one.pk]
    others = {next(iter(stood.values())).code: stood for stood in found.values()}
    best = max(others, default="")
    return best, others.get(best, {})


def price_of(quote: SourceQuote | None, gold: Derived | None) -> Row | None:
    if quote is not None:
        return markets_beside.official_change(quote) | {"derived": ""}
    if gold is not None:
        return markets_beside.derived_row(gold) | {"derived": markets_beside.derived_words(gold)}
    return None


def address(shown: Shown, **other: str) -> str:
    known = {name: str(shown.asked[name]) for name in KEPT if name in shown.asked}
    return listing.address_of(shown.path, known | other)


def window_link(shown: Shown, name: str, current: bool) -> Row:
    kept = "" if name == coin_window.DEFAULT else name
    return {
        "name": name,
        "title": str(coin_window.WINDOWS[name].title),
        "href": address(shown, okno=kept),
        "current": current,
    }


def timeframe_link(shown: Shown, name: str, current: bool) -> Row:
    kept = "" if name == scanner.DEFAULT_TIMEFRAME else name
    return {"name": name, "title": words.timeframe(name), "href": address(shown, interwal=kept), "current": current}


def footer(listed: dict[str, SourceFacts], priced: dict[str, list[SourceQuote]]) -> list[Row | SourceFacts]:
    """Attributions of all whose figures are on the page, in the order of their codes."""
    found: dict[str, Row | SourceFacts] = {one.code: one for one in followed.shown(listed.values())}
    for quote in (quote for ranked in priced.values() for quote in ranked):
        found.setdefault(quote.latest.source, {"attribution": quote.attribution, "licence": quote.licence})
    return [found[code] for code in sorted(found)]
