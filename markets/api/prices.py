"""Prices and the assets that are followed."""

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from markets import licence
from markets.access import operator
from markets.api.price_schemas import (
    OPERATOR_ERRORS,
    QUESTION_ERRORS,
    AssetItem,
    AssetPath,
    LatestPage,
    LatestQuery,
    NewAsset,
    PriceLimit,
    PricePoint,
    PriceQuery,
    PriceSummary,
)
from markets.api.responses import fresh, page_of, private, reply
from markets.api.schemas import COMMON_ERRORS, Envelope, Paging
from markets.errors import ConflictError, UnknownCodeError
from markets.instruments import catalogue
from markets.models import Instrument, Source
from markets.queries import assets, prices
from markets.queries.rates import find_source
from markets.store import listings

router = Router(tags=["prices"])


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
    return fresh(request, rows, total=total, source=found.source)


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
    """The newest price of one asset or of everything that is followed, sorted by code; null is not known, never 0."""
    source = find_source(query.source) if query.source else None
    audience = licence.audience(request)
    if source is not None:
        licence.refuse(source, audience)
    wanted = [prices.find_asset(query.asset).pk] if query.asset else list(assets.tracked().values_list("pk", flat=True))
    found = sorted(prices.newest(audience, wanted, source).values(), key=lambda row: row.code)
    return fresh(request, page_of(paging, found, prices.latest_rows))


@router.get("/assets", response={200: list[AssetItem], **COMMON_ERRORS}, operation_id="assets", summary="Assets")
def asset_list(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """Everything that is followed on a market, sorted by code."""
    rows = assets.tracked()
    return fresh(request, list(assets.asset_rows(paging.of(rows), licence.audience(request))), total=rows.count())


@router.post(
    "/assets",
    response={201: AssetItem, 409: Envelope, **OPERATOR_ERRORS},
    operation_id="asset_add",
    summary="Follow an asset",
    auth=operator,
)
def asset_add(request: HttpRequest, new: NewAsset) -> HttpResponse:
    """Operators only. Every source that lists it is asked for it from its next run on."""
    instrument = listed(new.symbol)
    if not listings.follow(instrument):
        raise ConflictError(f"{instrument.code} is followed already", {"symbol": instrument.code})
    [row] = assets.asset_rows(assets.tracked().filter(pk=instrument.pk), licence.audience(request))
    return private(reply(row, 201))


@router.delete(
    "/assets/{path:symbol}",
    response={204: None, **OPERATOR_ERRORS},
    operation_id="asset_remove",
    summary="Follow it no more",
    auth=operator,
)
def asset_remove(request: HttpRequest, asset: Path[AssetPath]) -> HttpResponse:
    """Operators only. Nobody is asked for it any more; its history stays."""
    instrument = prices.find_asset(asset.symbol)
    if not listings.leave(instrument):
        raise UnknownCodeError(f"{instrument.code} is not followed", {"nearest": []})
    return HttpResponse(status=204)


def listed(symbol: str) -> Instrument:
    """Something that a source lists; the catalogue of the sources that are there is written down if need be."""
    instrument = catalogue.find(symbol)
    if instrument is None or not instrument.listings.exists():
        for source in Source.objects.filter(code__in=catalogue.LISTED, available=True):
            catalogue.list_at(source, tracked=())
        instrument = catalogue.find(symbol)
    if instrument is None or not instrument.listings.exists():
        message = f"No source lists an asset {symbol!r}"
        raise UnknownCodeError(message, {"nearest": prices.nearest_assets(symbol)})
    return instrument
