"""GET /latest."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.api import rate_shapes
from markets.api.rate_parameters import AllAtOnce, LatestRatesQuery
from markets.api.rate_schemas import LatestRatePage
from markets.api.responses import unusual
from markets.api.schemas import SERIES_ERRORS
from markets.api.several import question_of, several
from markets.licence import Audience
from markets.queries import latest
from markets.queries.asked import Answer
from markets.queries.rates import find_source

router = Router(tags=["rates"])


@router.get(
    "/latest", response={200: LatestRatePage, **SERIES_ERRORS}, operation_id="latest", summary="The newest rates"
)
def newest(request: HttpRequest, query: Query[LatestRatesQuery], paging: Query[AllAtOnce]) -> HttpResponse:
    """The newest official rate of each currency, with its day; one that should be newer by now is `stale`.

    Without `code` those that the newest tables have. What left its table has no rate, and `reason` says since when.
    Each is the row that `/rates` has of that day.
    """

    def rows(asker: Audience, part: slice) -> Answer:
        found = current(query, asker) if query.code is None else latest.rows(question_of(query, query.source, asker))
        return iter(found[part]), len(found)

    named = unusual(query) | ({"source": find_source(query.source).code} if query.source else {})
    return several(request, "rates", {"latest": True} | named, paging, rows, lambda it: rate_shapes.expanded(it, query))


def current(query: LatestRatesQuery, asker: Audience) -> list[dict[str, Any]]:
    """Of all currencies, or of the base in all of them; in `quotes` where there are some."""
    if query.base and query.quotes:
        return latest.rows(question_of(query, query.source, asker))
    filled_in = query.model_copy(update={"code": ",".join(latest.all_codes(query.base))})
    return latest.current_rows(question_of(filled_in, query.source, asker))
