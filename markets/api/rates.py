"""GET /rates and /currencies."""

from datetime import date
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.api import rate_series, rate_shapes
from markets.api.export_query import JSON
from markets.api.rate_parameters import FillQuery, RateQuery
from markets.api.rate_schemas import RatePage
from markets.api.responses import DAILY, counted, encoded, fresh, generation_of, listing, serve, unusual
from markets.api.schemas import COMMON_ERRORS, SERIES_ERRORS, CurrencyPage, Paging, SeriesQuery
from markets.api.several import answer, explained, is_text, of_source, period, question_of, several, without_days
from markets.errors import QuestionError
from markets.licence import Audience, audience
from markets.models import Currency
from markets.queries import rate_rows, rate_texts
from markets.queries import rates as rate_queries
from markets.queries.asked import Answer
from markets.queries.crosses import ZLOTY
from markets.queries.currencies import currency_rows
from markets.redis import generations, memory_cache, response_cache

router = Router(tags=["rates"])


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

    With `as_of` it is what was known at that moment, also where it was corrected since. What an operator set beside the
    published figures is shown only with `overrides=1`, in rows of its own.
    """
    start, end = period(days, filling)
    without_days(query.as_of, filling, query.group)
    fits_a_file(query, paging)
    if is_series(query, filling):
        return series(request, query, days, paging, start, end)
    fits_together(query, filling)

    def rows(asker: Audience, part: slice) -> Answer:
        found = question_of(query, days.source, asker)
        return answer(found, start, end, query.group, filling, part)

    named = dict(unusual(query), start=start, end=end, **unusual(filling), **of_source(days), **explained(filling))
    return several(request, "rates", named, paging, rows, lambda found: rate_shapes.shaped(found, query))


def is_series(query: RateQuery, filling: FillQuery) -> bool:
    """Whether it is about the published rates of one currency, as they stand in the tables."""
    plain = not (query.base or query.quotes or query.group or filling.date or filling.fill)
    return plain and "," not in query.code and query.code.strip().upper() != ZLOTY


def fits_a_file(query: RateQuery, paging: Paging) -> None:
    if query.shape == "columns" and paging.format != JSON:
        raise QuestionError("shape=columns is for JSON: a file has rows", {"format": paging.format})


def fits_together(query: RateQuery, filling: FillQuery) -> None:
    if query.group and (filling.fill or filling.date):
        raise QuestionError("group is for a period: date and fill are not for it")
    if query.group and query.table == "C":
        raise QuestionError("table C has bid and ask and no mid, of which a period could have the mean")
    if query.overrides == "1":
        message = "overrides stand beside the published rates of one currency: ask for one code and a period alone"
        raise QuestionError(message, {"not_with": ["several codes", "base", "quotes", "date", "fill", "group", "PLN"]})


def series(
    request: HttpRequest, query: RateQuery, days: SeriesQuery, paging: Paging, start: date, end: date
) -> HttpResponse:
    instrument = rate_queries.find_currency(query.code)
    if query.as_of or query.overrides == "1":
        found = rate_series.special(query, days, paging, instrument, (start, end), audience(request))
        return fresh(request, rate_shapes.shaped(found, query), DAILY)

    def compute(asker: Audience) -> dict[str, Any]:
        proof = query.expand == "source"
        if is_text(paging, days):
            asked = rate_texts.Stretch(instrument, start, end, query.table, asker)
            texts = rate_texts.rows(asked, paging.limit, paging.offset, proof=proof)
            return rate_shapes.shaped(counted(paging, texts, lambda: rate_texts.count(asked)), query)
        rows = rate_queries.rates(instrument, start, end, query.table, days.source, asker)
        found = listing(paging, rows, lambda page: rate_rows.as_they_stand(page, instrument, proof=proof))
        return rate_shapes.shaped(found, query)

    rest = unusual(query, "code", "overrides") | of_source(days)

    def question(limit: int) -> response_cache.Question:
        more = rest | unusual(Paging(limit=limit, offset=paging.offset))
        return response_cache.Question.of("rates", instrument.code, instrument.code, start, end, **more)

    return serve(request, response_cache.of_page(paging.limit, question), compute, instrument, query.code)


class Answered(NamedTuple):
    """As `CachedAnswer` takes it."""

    question: response_cache.Question
    kept: memory_cache.Cached
    again: bool


def plain(code: str, start: date, end: date, limit: int) -> Answered | None:
    """What `rates` answers to the public for one code, a period and a limit alone; None where that is no series."""
    if code.upper() == ZLOTY:
        return None
    instrument, paging = rate_queries.find_currency(code), Paging.model_construct(limit=limit)

    def compute() -> response_cache.Made:
        asked = rate_texts.Stretch(instrument, start, end, None, Audience.API)
        return encoded(counted(paging, rate_texts.rows(asked, limit, 0), lambda: rate_texts.count(asked)))

    def question(most: int) -> response_cache.Question:
        more = unusual(Paging.model_construct(limit=most))
        return response_cache.Question.of("rates", instrument.code, instrument.code, start, end, **more)

    page = response_cache.of_page(limit, question)
    kept = response_cache.answer(page, compute, generation_of(instrument))
    return Answered(page, kept, again=code.upper() == instrument.code)


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
