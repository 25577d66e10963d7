"""Rates, gold and currencies, and how an answer of the cache is given."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from ninja import Query, Router, Schema

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
from markets.instruments import catalogue
from markets.licence import Audience, audience
from markets.models import Currency, Instrument
from markets.queries import rates as rate_queries
from markets.queries.currencies import currency_rows
from markets.redis import response_cache

M = TypeVar("M", bound=Model)

router = Router(tags=["rates"])
JSON = "application/json; charset=utf-8"


class Ready(HttpResponse):
    """An answer of the cache. The roof gives it its headers, and may give it `again` to the same words."""

    def __init__(self, question: response_cache.Question, kept: response_cache.Kept, again: bool) -> None:
        super().__init__(kept.body, content_type=JSON)
        self.question, self.kept, self.again = question, kept, again


def reply(content: Any) -> HttpResponse:
    """Rows to JSON at once: ten times cheaper than a schema object for each of 10,000 rows."""
    return HttpResponse(msgspec.json.encode(content), content_type=JSON)


def private(response: HttpResponse) -> HttpResponse:
    """What only operators may see: nobody keeps it on its way."""
    patch_vary_headers(response, ["Authorization", "Cookie"])
    response.headers["Cache-Control"] = "private, no-store"
    return response


def serve(
    request: HttpRequest,
    question: response_cache.Question,
    compute: Callable[[Audience], Any],
    instrument: Instrument | None = None,
    named: str | None = None,
) -> HttpResponse:
    """From the cache, or computed and kept: what is kept is for the public, an operator's is made anew each time.

    `instrument` is what the question depends on, as it was found just now, and `named` how the asker wrote it: an
    alias may mean another one tomorrow, a code may not.
    """
    if audience(request) is Audience.OPERATOR:
        return private(reply(compute(Audience.OPERATOR)))
    number = None
    if instrument is not None:
        number = instrument.generation.number if hasattr(instrument, "generation") else 0
    kept = response_cache.answer(question, lambda: msgspec.json.encode(compute(Audience.API)), number)
    return Ready(question, kept, again=named is None or named.strip().upper() == question.scope)


def listing(paging: Paging, rows: QuerySet[M], items: Callable[[QuerySet[M]], Iterable[Any]]) -> dict[str, Any]:
    """A page and how many there are in all; a page that is not full knows that by itself."""
    page = list(items(paging.of(rows)))
    last = len(page) < paging.limit and (page or not paging.offset)
    return {"items": page, "count": paging.offset + len(page) if last else rows.count()}


def unusual(asked: Schema, *but: str) -> dict[str, Any]:
    """The parameters that are not as by default, `but` these."""
    return asked.model_dump(exclude=set(but), exclude_defaults=True)


def of_source(days: SeriesQuery) -> dict[str, Any]:
    return {"source": days.source.lower()} if days.source else {}


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

    rest = unusual(query, "code") | of_source(days) | unusual(paging)
    question = response_cache.Question.of("rates", instrument.code, instrument.code, start, end, **rest)
    return serve(request, question, compute, instrument, query.code)


@router.get("/gold", response={200: GoldPage, **SERIES_ERRORS}, operation_id="gold", summary="Prices of gold")
def gold(request: HttpRequest, days: Query[SeriesQuery], paging: Query[Paging]) -> HttpResponse:
    """PLN for one gram of gold (1000 fine), ascending by date, both ends of the period inclusive."""
    start, end = rate_queries.period(days.from_, days.to)

    def compute(asker: Audience) -> dict[str, Any]:
        return listing(paging, rate_queries.gold(start, end, days.source, asker), rate_queries.gold_rows)

    rest = of_source(days) | unusual(paging)
    return serve(request, response_cache.Question.of("gold", catalogue.GOLD, start, end, **rest), compute)


@router.get(
    "/currencies", response={200: CurrencyPage, **COMMON_ERRORS}, operation_id="currencies", summary="Currencies"
)
def currencies(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """Every currency there ever was a rate of, with its newest value and the change since the one before."""

    def compute(asker: Audience) -> dict[str, Any]:
        return listing(paging, Currency.objects.order_by("code"), lambda page: currency_rows(page, asker))

    question = response_cache.Question.of("currencies", response_cache.ANY, paging.limit, **unusual(paging, "limit"))
    return serve(request, question, compute)
