"""Rates, gold and currencies."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.api.responses import listing, serve, unusual
from markets.api.schemas import (
    COMMON_ERRORS,
    SERIES_ERRORS,
    CurrencyPage,
    GoldPage,
    Paging,
    RatePage,
    RateQuery,
    SeriesQuery,
)
from markets.instruments.names import GOLD
from markets.licence import Audience
from markets.models import Currency
from markets.queries import rates as rate_queries
from markets.queries.currencies import currency_rows
from markets.redis import generations, response_cache

router = Router(tags=["rates"])


def of_source(days: SeriesQuery) -> dict[str, Any]:
    """By its code, whichever of its names was asked for; an unknown one is 404 before anything is kept."""
    return {"source": rate_queries.find_source(days.source).code} if days.source else {}


@router.get("/rates", response={200: RatePage, **SERIES_ERRORS}, operation_id="rates", summary="Exchange rates")
def rates(
    request: HttpRequest, query: Query[RateQuery], days: Query[SeriesQuery], paging: Query[Paging]
) -> HttpResponse:
    """Official rates of one currency in PLN, ascending by date, both ends of the period inclusive.

    Without `table` there is one figure a day: the mid of table A, or of table B where A has none.
    Gold is not a currency: see `/gold`.
    """
    start, end = rate_queries.period(days.from_, days.to)
    instrument = rate_queries.find_currency(query.code)

    def compute(asker: Audience) -> dict[str, Any]:
        rows = rate_queries.rates(instrument, start, end, query.table, days.source, asker)
        return listing(paging, rows, lambda page: rate_queries.rate_rows(page, instrument))

    rest = unusual(query, "code") | of_source(days)

    def question(limit: int) -> response_cache.Question:
        more = rest | unusual(Paging(limit=limit, offset=paging.offset))
        return response_cache.Question.of("rates", instrument.code, instrument.code, start, end, **more)

    return serve(request, response_cache.of_page(paging.limit, question), compute, instrument, query.code)


@router.get("/gold", response={200: GoldPage, **SERIES_ERRORS}, operation_id="gold", summary="Prices of gold")
def gold(request: HttpRequest, days: Query[SeriesQuery], paging: Query[Paging]) -> HttpResponse:
    """PLN for one gram of gold (1000 fine), ascending by date, both ends of the period inclusive."""
    start, end = rate_queries.period(days.from_, days.to)

    def compute(asker: Audience) -> dict[str, Any]:
        return listing(paging, rate_queries.gold(start, end, days.source, asker), rate_queries.gold_rows)

    rest = of_source(days)

    def question(limit: int) -> response_cache.Question:
        more = rest | unusual(Paging(limit=limit, offset=paging.offset))
        return response_cache.Question.of("gold", GOLD, start, end, **more)

    return serve(request, response_cache.of_page(paging.limit, question), compute)


@router.get(
    "/currencies", response={200: CurrencyPage, **COMMON_ERRORS}, operation_id="currencies", summary="Currencies"
)
def currencies(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """Every currency there ever was a rate of, with its newest value and the change since the one before."""

    def compute(asker: Audience) -> dict[str, Any]:
        return listing(paging, Currency.objects.order_by("code"), lambda page: currency_rows(page, asker))

    def question(limit: int) -> response_cache.Question:
        return response_cache.Question.of("currencies", generations.ANY, limit, **unusual(paging, "limit"))

    return serve(request, response_cache.of_page(paging.limit, question), compute)
