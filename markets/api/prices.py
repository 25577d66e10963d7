"""Prices of the last minutes, hours and days."""

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets import licence
from markets.api.price_schemas import (
    QUESTION_ERRORS,
    LatestPage,
    LatestQuery,
    PriceLimit,
    PricePoint,
    PriceQuery,
    PriceSummary,
)
from markets.api.responses import fresh, page_of, typed
from markets.api.schemas import Paging
from markets.exports.format import Rows
from markets.queries import assets, latest_prices, prices
from markets.queries.rates import find_source

router = Router(tags=["prices"])


def asked(request: HttpRequest, query: PriceQuery) -> prices.PriceSeries:
    length = prices.window(query.window)
    return prices.series(prices.find_asset(query.asset), length, licence.audience(request), query.source)


@router.get(
    "/prices", response={200: list[PricePoint], **QUESTION_ERRORS}, operation_id="prices", summary="Prices over time"
)
def price_list(request: HttpRequest, query: Query[PriceQuery], most: Query[PriceLimit]) -> HttpResponse:
    """Every price of the window, ascending: nothing is thinned out, the oldest are left out above `limit`.

    A window that begins with the daily closes of a back-fill has one price a day and the newest.

    One source answers; it is named in `X-Source`. A price of the market goes before an official rate, a fresh one
    before a stale one. Older than the retention are only candles: see `/candles`.
    """
    found = asked(request, query)
    if most.whole:
        points = Rows(lambda first: prices.every_point(found, first))
        return fresh(request, points, total=found.rows.count(), source=found.source)
    rows, total = prices.points(found, most.limit)
    return fresh(request, typed(most, rows, "ts"), total=total, source=found.source)


@router.get(
    "/prices/summary", response={200: PriceSummary, **QUESTION_ERRORS}, operation_id="prices_summary", summary="Summary"
)
def price_summary(request: HttpRequest, query: Query[PriceQuery]) -> HttpResponse:
    """What the prices of the window come to; an empty window has 0 points and nulls."""
    found = asked(request, query)
    return fresh(request, prices.summary(found), source=found.source)


@router.get(
    "/prices/latest", response={200: LatestPage, **QUESTION_ERRORS}, operation_id="prices_latest", summary="Now"
)
def latest(request: HttpRequest, query: Query[LatestQuery], paging: Query[Paging]) -> HttpResponse:
    """The newest price of one asset or of everything that is followed, sorted by code; null is not known, never 0.

    One source answers for the price. Bid and ask, the change and the day's bar come from the next fresh source where it
    has none (`filled_from`); with `source` from nobody else.
    """
    source = find_source(query.source) if query.source else None
    audience = licence.audience(request)
    if source is not None:
        licence.refuse(source, audience)
    wanted = [prices.find_asset(query.asset).pk] if query.asset else [pk for (pk,) in assets.KEYS.rows()]
    found = sorted(latest_prices.newest(audience, wanted, source).values(), key=lambda row: row.code)
    return fresh(request, page_of(paging, found, prices.latest_rows))
