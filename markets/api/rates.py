"""Rates, gold and currencies."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from markets import clock
from markets.api import rate_shapes
from markets.api.rate_schemas import (
    AllAtOnce,
    FillQuery,
    GoldPage,
    GoldQuery,
    LatestPage,
    LatestQuery,
    RatePage,
    RateQuery,
    split,
)
from markets.api.responses import listing, page, serve, unusual
from markets.api.schemas import COMMON_ERRORS, SERIES_ERRORS, CurrencyPage, Paging, SeriesQuery
from markets.errors import QuestionError
from markets.instruments.names import GOLD
from markets.licence import Audience
from markets.models import Currency
from markets.queries import asked, gold_units, grouped, latest, tables
from markets.queries import rates as rate_queries
from markets.queries.asked import Asked
from markets.queries.crosses import ZLOTY
from markets.queries.currencies import currency_rows
from markets.queries.figures import Wanted
from markets.redis import generations, response_cache

router = Router(tags=["rates"])
Rows = tuple[list[dict[str, Any]], int]


def of_source(days: SeriesQuery) -> dict[str, Any]:
    """By its code, whichever of its names was asked for; an unknown one is 404 before anything is kept."""
    return {"source": rate_queries.find_source(days.source).code} if days.source else {}


@router.get("/rates", response={200: RatePage, **SERIES_ERRORS}, operation_id="rates", summary="Exchange rates")
def rates(
    request: HttpRequest,
    query: Query[RateQuery],
    days: Query[SeriesQuery],
    filling: Query[FillQuery],
    paging: Query[Paging],
) -> HttpResponse:
    """Official rates, ascending by date, both ends of the period inclusive.

    Of one currency: its published rates in PLN. Without `table` there is one figure a day: the mid of table A, or of
    table B where A has none. With several codes, another base or other quotes, with a `date` or a `fill` each row also
    says the day that was asked for, whether it was filled and why nothing was published. What is not in PLN is computed
    from two published rates of one day, which stand in `legs`. Gold is not a currency: see `/gold`.
    """
    start, end = period(days, filling)
    if is_series(query, filling):
        return series(request, query, days, paging, start, end)
    fits_together(query, filling)

    def rows(asker: Audience) -> Rows:
        found = question_of(query, days.source, asker)
        return answer(found, start, end, query.group, filling, paging)

    named = dict(unusual(query), start=start, end=end, **unusual(filling), **of_source(days))
    return several(request, "rates", named, paging, rows, lambda found: rate_shapes.shaped(found, query))


def period(days: SeriesQuery, filling: FillQuery) -> tuple[date, date]:
    if filling.date is None:
        return rate_queries.period(days.from_, days.to)
    if days.from_ or days.to:
        raise QuestionError("date is one day, from and to are a period: give one of them")
    return filling.date, filling.date


def is_series(query: RateQuery, filling: FillQuery) -> bool:
    """Whether it is about the published rates of one currency, as they stand in the tables."""
    plain = not (query.base or query.quotes or query.group or filling.date or filling.fill)
    return plain and "," not in query.code and query.code.strip().upper() != ZLOTY


def fits_together(query: RateQuery, filling: FillQuery) -> None:
    if query.group and (filling.fill or filling.date):
        raise QuestionError("group is for a period: date and fill are not for it")
    if query.group and query.table == "C":
        raise QuestionError("table C has bid and ask and no mid, of which a period could have the mean")


def series(
    request: HttpRequest, query: RateQuery, days: SeriesQuery, paging: Paging, start: date, end: date
) -> HttpResponse:
    instrument = rate_queries.find_currency(query.code)

    def compute(asker: Audience) -> dict[str, Any]:
        rows = rate_queries.rates(instrument, start, end, query.table, days.source, asker)
        found = listing(paging, rows, lambda page: rate_queries.rate_rows(page, instrument))
        return rate_shapes.shaped(found, query)

    rest = unusual(query, "code") | of_source(days)

    def question(limit: int) -> response_cache.Question:
        more = rest | unusual(Paging(limit=limit, offset=paging.offset))
        return response_cache.Question.of("rates", instrument.code, instrument.code, start, end, **more)

    return serve(request, response_cache.of_page(paging.limit, question), compute, instrument, query.code)


def question_of(query: RateQuery | LatestQuery, source: str | None, asker: Audience) -> Asked:
    return asked.understood(
        split(query.code), query.base, split(query.quotes), lambda found: Wanted(found, query.table, source, asker)
    )


def answer(
    question: Asked, start: date, end: date, group: grouped.Group | None, filling: FillQuery, paging: Paging
) -> Rows:
    asked_page = slice(paging.offset, paging.offset + paging.limit)
    if group:
        return grouped.rows(question, start, end, group, asked_page)
    if filling.date or filling.fill:
        return asked.every_day(question, start, end, filling.fill or "none", asked_page)
    return asked.published_days(question, start, end, asked_page)


def several(
    request: HttpRequest,
    kind: str,
    named: dict[str, Any],
    paging: Schema,
    rows: Callable[[Audience], Rows],
    shaped: Callable[[dict[str, Any]], dict[str, Any]],
) -> HttpResponse:
    """An answer that any instrument may change, and the clock where a table is due: it holds until the next of both.

    The address is not remembered for the day (`named` is nobody's): the hour at which a table is due would pass it by.
    """
    due = tuple(sorted(tables.due_days(clock.now()).items()))
    question = response_cache.Question.of(
        kind, generations.ANY, "several", **named, **unusual(paging), due=due, today=clock.today()
    )
    return serve(request, question, lambda asker: shaped(page(*rows(asker))), named="")


@router.get("/latest", response={200: LatestPage, **SERIES_ERRORS}, operation_id="latest", summary="The newest rates")
def newest(request: HttpRequest, query: Query[LatestQuery], paging: Query[AllAtOnce]) -> HttpResponse:
    """The newest official rate of each currency, with its day; one that should be newer by now is `stale`.

    Without `code` those that the newest tables have. What left its table has no rate, and `reason` says since when.
    Each is the row that `/rates` has of that day.
    """

    def rows(asker: Audience) -> Rows:
        found = current(query, asker) if query.code is None else latest.rows(question_of(query, query.source, asker))
        return found[paging.offset : paging.offset + paging.limit], len(found)

    named = unusual(query) | ({"source": rate_queries.find_source(query.source).code} if query.source else {})
    return several(request, "rates", {"latest": True} | named, paging, rows, lambda it: rate_shapes.expanded(it, query))


def current(query: LatestQuery, asker: Audience) -> list[dict[str, Any]]:
    """Of all currencies, or of the base in all of them; in `quotes` where there are some."""
    if query.base and query.quotes:
        return latest.rows(question_of(query, query.source, asker))
    filled_in = query.model_copy(update={"code": ",".join(latest.all_codes(query.base))})
    return latest.current_rows(question_of(filled_in, query.source, asker))


@router.get("/gold", response={200: GoldPage, **SERIES_ERRORS}, operation_id="gold", summary="Prices of gold")
def gold(
    request: HttpRequest,
    query: Query[GoldQuery],
    days: Query[SeriesQuery],
    filling: Query[FillQuery],
    paging: Query[Paging],
) -> HttpResponse:
    """PLN for one gram of gold (1000 fine), ascending by date, both ends of the period inclusive.

    In another `unit` or `currency` it is computed from the price of the gram and the mid of the same day.
    """
    start, end = period(days, filling)
    if unusual(query) or unusual(filling):
        return computed_gold(request, query, days, filling, paging, (start, end))

    def compute(asker: Audience) -> dict[str, Any]:
        return listing(paging, rate_queries.gold(start, end, days.source, asker), rate_queries.gold_rows)

    rest = of_source(days)

    def question(limit: int) -> response_cache.Question:
        more = rest | unusual(Paging(limit=limit, offset=paging.offset))
        return response_cache.Question.of("gold", GOLD, start, end, **more)

    return serve(request, response_cache.of_page(paging.limit, question), compute)


def computed_gold(
    request: HttpRequest,
    query: GoldQuery,
    days: SeriesQuery,
    filling: FillQuery,
    paging: Paging,
    between: tuple[date, date],
) -> HttpResponse:
    unit, currency = query.unit or "g", query.currency or ZLOTY

    def rows(asker: Audience) -> Rows:
        question = gold_units.priced_in(currency, unit, Wanted((), None, days.source, asker))
        found, count = answer(question, *between, None, filling, paging)
        return [gold_units.row(one, unit) for one in found], count

    named = dict(unusual(query), between=between, **unusual(filling), **of_source(days))
    return several(request, "gold", named, paging, rows, lambda found: found)


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
