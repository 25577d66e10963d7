"""Prices and candles."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from ninja import Query, Router

from markets import licence
from markets.api.price_schemas import (
    QUESTION_ERRORS,
    CandlePage,
    CandleQuery,
    LatestPrice,
    LatestQuery,
    PriceLimit,
    PricePoint,
    PriceQuery,
    PriceSummary,
)
from markets.api.responses import private, reply
from markets.api.schemas import Paging
from markets.queries import assets, candles, prices
from markets.queries.rates import find_source

router = Router(tags=["prices"])


def answer(request: HttpRequest, content: Any, total: int | None = None, source: str | None = None) -> HttpResponse:
    """What a body has no room for is in headers: the total before paging, who said so, who else may see the same."""
    response = reply(content)
    if total is not None:
        response.headers["X-Total-Count"] = str(total)
    if source is not None:
        response.headers["X-Source"] = source
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return private(response) if licence.audience(request) is licence.Audience.OPERATOR else response


def asked(request: HttpRequest, query: PriceQuery) -> prices.PriceSeries:
    length = prices.window(query.window)
    return prices.series(prices.find_asset(query.asset), length, licence.audience(request), query.source)


@router.get(
    "/prices", response={200: list[PricePoint], **QUESTION_ERRORS}, operation_id="prices", summary="Prices over time"
)
def price_list(request: HttpRequest, query: Query[PriceQuery], most: Query[PriceLimit]) -> HttpResponse:
    """Every price of the window, ascending: nothing is thinned out, the oldest are left out above `limit`.

    One source answers; it is named in `X-Source`. A price of the market goes before an official rate, a fresh one
    before a stale one. Older than the retention are only candles: see `/candles`.
    """
    found = asked(request, query)
    rows, total = prices.points(found, most.limit)
    return answer(request, rows, total, found.source)


@router.get(
    "/prices/summary", response={200: PriceSummary, **QUESTION_ERRORS}, operation_id="prices_summary", summary="Summary"
)
def price_summary(request: HttpRequest, query: Query[PriceQuery]) -> HttpResponse:
    """What the prices of the window come to; an empty window has 0 points and nulls."""
    found = asked(request, query)
    return answer(request, prices.summary(found), source=found.source)


@router.get(
    "/prices/latest", response={200: list[LatestPrice], **QUESTION_ERRORS}, operation_id="prices_latest", summary="Now"
)
def latest(request: HttpRequest, query: Query[LatestQuery], paging: Query[Paging]) -> HttpResponse:
    """The newest price of one asset or of everything that is followed, sorted by code; null is not known, never 0."""
    source = find_source(query.source) if query.source else None
    audience = licence.audience(request)
    if source is not None:
        licence.refuse(source, audience)
    wanted = [prices.find_asset(query.asset).pk] if query.asset else list(assets.tracked().values_list("pk", flat=True))
    found = sorted(prices.newest(audience, wanted, source).values(), key=lambda row: row.code)
    page = found[paging.offset : paging.offset + paging.limit]
    return answer(request, list(prices.latest_rows(page)), len(found))


@router.get("/candles", response={200: CandlePage, **QUESTION_ERRORS}, operation_id="candles", summary="Candles")
def candle_list(request: HttpRequest, query: Query[CandleQuery]) -> HttpResponse:
    """Open, high, low, close and volume, ascending by time; the last one may still be open.

    The newest `limit` ones, or with `from` the first `limit` from there on.
    """
    instrument = prices.find_asset(query.symbol)
    source = candles.source_of(instrument, query.timeframe, licence.audience(request), query.source)
    stretch = candles.Stretch(query.timeframe, query.from_, query.to, query.limit)
    items, count = candles.candles(instrument, source, stretch)
    return answer(request, {"items": items, "count": count}, source=source.code if source else None)
