"""GET /gold."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.api.gold_schemas import GoldPage, GoldQuery
from markets.api.rate_parameters import FillQuery
from markets.api.responses import counted, listing, serve, unusual
from markets.api.schemas import SERIES_ERRORS, Paging, SeriesQuery
from markets.api.several import answer, explained, is_text, of_source, period, several, without_days
from markets.instruments.names import GOLD
from markets.licence import Audience
from markets.queries import gold_units, rate_texts
from markets.queries import rates as rate_queries
from markets.queries.asked import Answer
from markets.queries.crosses import ZLOTY
from markets.queries.figures import Wanted
from markets.redis import response_cache

router = Router(tags=["rates"])


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
    without_days(query.as_of, filling)
    if unusual(query) or unusual(filling):
        return computed_gold(request, query, days, filling, paging, (start, end))

    def compute(asker: Audience) -> dict[str, Any]:
        if is_text(paging, days):
            texts = rate_texts.gold_rows(start, end, asker, paging.limit, paging.offset)
            return counted(paging, texts, lambda: rate_texts.gold_count(start, end, asker))
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

    def rows(asker: Audience, part: slice) -> Answer:
        question = gold_units.priced_in(currency, unit, Wanted((), None, days.source, asker, query.as_of))
        found, count = answer(question, *between, None, filling, part)
        return (gold_units.row(one, unit) for one in found), count

    named = dict(unusual(query), between=between, **unusual(filling), **of_source(days), **explained(filling))
    return several(request, "gold", named, paging, rows, lambda found: found)
