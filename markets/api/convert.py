"""GET /convert."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.api.convert_schemas import Conversion, ConvertQuery
from markets.api.responses import DAILY, fresh
from markets.api.schemas import SERIES_ERRORS
from markets.errors import QuestionError
from markets.licence import Audience, audience
from markets.queries import convert as conversions

router = Router(tags=["rates"])


@router.get(
    "/convert",
    response={200: Conversion, **SERIES_ERRORS},
    operation_id="convert",
    summary="Convert an amount",
)
def convert(request: HttpRequest, query: Query[ConvertQuery]) -> HttpResponse:
    """An amount of one currency in another, with the rate, its day, its table and its legs.

    The result is computed exactly from the published figures and rounded once, half up. 422 `no_rate` where there is no
    figure at most 14 days old (table B: 21), with the reason. With a `rule` it is the amount that a tax rule asks for.
    """
    return fresh(request, answer(query, audience(request)), DAILY)


def answer(query: ConvertQuery, asker: Audience) -> dict[str, Any]:
    if query.rule is None:
        return conversions.convert(
            query.amount, query.from_, query.to, query.date, query.day or "D0", query.unit, asker
        )
    if query.day or query.unit:
        raise QuestionError("A rule chooses the day and knows no gold: leave out day and unit")
    return conversions.by_rule(query.rule, query.amount, query.from_, query.to, query.date, asker)
