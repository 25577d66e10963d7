"""Rates, gold and currencies."""

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.answers import series
from markets.answers.currencies import currency_rows
from markets.models import Currency
from markets.schemas import (
    COMMON_ERRORS,
    SERIES_ERRORS,
    CurrencyPage,
    GoldPage,
    Paging,
    RatePage,
    RateQuery,
    SeriesQuery,
)

router = Router(tags=["rates"])


def reply(content: Any) -> HttpResponse:
    """Rows to JSON at once: ten times cheaper than a schema object for each of 10,000 rows."""
    return HttpResponse(msgspec.json.encode(content), content_type="application/json; charset=utf-8")


@router.get("/rates", response={200: RatePage, **SERIES_ERRORS}, operation_id="rates", summary="Exchange rates")
def rates(
    request: HttpRequest, query: Query[RateQuery], days: Query[SeriesQuery], paging: Query[Paging]
) -> HttpResponse:
    """Official rates of one currency in PLN, ascending by date, both ends of the period inclusive.

    Without `table` there is one figure a day: the mid of table A, or of table B where A has none.
    Gold is not a currency: see `/gold`.
    """
    start, end = series.period(days.from_, days.to)
    instrument = series.find_currency(query.code)
    rows = series.rates(instrument, start, end, query.table, days.source)
    return reply({"items": list(series.rate_rows(paging.of(rows), instrument)), "count": rows.count()})


@router.get("/gold", response={200: GoldPage, **SERIES_ERRORS}, operation_id="gold", summary="Prices of gold")
def gold(request: HttpRequest, days: Query[SeriesQuery], paging: Query[Paging]) -> HttpResponse:
    """PLN for one gram of gold (1000 fine), ascending by date, both ends of the period inclusive."""
    start, end = series.period(days.from_, days.to)
    rows = series.gold(start, end, days.source)
    return reply({"items": list(series.gold_rows(paging.of(rows))), "count": rows.count()})


@router.get(
    "/currencies", response={200: CurrencyPage, **COMMON_ERRORS}, operation_id="currencies", summary="Currencies"
)
def currencies(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """Every currency there ever was a rate of, with its newest value and the change since the one before."""
    rows = Currency.objects.order_by("code")
    return reply({"items": list(currency_rows(paging.of(rows))), "count": rows.count()})
