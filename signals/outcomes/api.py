"""Outcomes over the API: what the decisions of a rule were followed by."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets.api.responses import listing, serve, unusual
from markets.api.schemas import SERIES_ERRORS, Paging
from markets.licence import Audience
from markets.redis import generations, response_cache
from signals.api import ALL, find_instrument, stored_name
from signals.digits import plain
from signals.explain_rows import both, shown
from signals.outcomes import words
from signals.outcomes.models import Family, Outcome
from signals.outcomes.queries import ORDER, visible
from signals.outcomes.schemas import OutcomePage, OutcomeQuery

router = Router(tags=["signals"])

METHOD = "docs/method.md"
EXACT = ("rule", "family", "timeframe", "horizon", "live", "n", "net_n", "panels", "computed_at")
FIGURES = (
    *("n_eff", "hit_rate", "hit_low", "hit_high", "mean", "median", "worst", "holding", "percentile", "net"),
    *("smallest", "sharpe", "deflated", "t", "p"),
)
COSTS = {Family.OFFICIAL: "half of the spread of table C", Family.CANDLES: "0.1 % a side"}


@router.get(
    "/outcomes", response={200: OutcomePage, **SERIES_ERRORS}, operation_id="outcomes", summary="What rules have earned"
)
def outcomes(request: HttpRequest, query: Query[OutcomeQuery], paging: Query[Paging]) -> HttpResponse:
    """What the decisions of a rule were followed by after 1, 5 and 20 bars, and whether that differs from chance.

    Every number stands beside the number of decisions that it is about. It is computed once a night; a rule on many
    series and horizons finds something by chance alone, so `p` is corrected for all panels of the family. Results of a
    computation, no investment advice.
    """
    instrument = find_instrument(query.code) if query.code else None
    asked = query.dict(exclude={"code", "rule"}, exclude_none=True) | rule_of(query.rule)
    scope = instrument.code if instrument else generations.ANY
    rest = asked | unusual(paging, "limit")

    def question(limit: int) -> response_cache.Question:
        return response_cache.Question.of("signals", scope, "outcomes", scope, limit, **rest)

    def compute(asker: Audience) -> dict[str, Any]:
        found = visible(asker).filter(**asked)
        return listing(paging, (found.filter(instrument=instrument) if instrument else found).order_by(*ORDER), items)

    return serve(request, response_cache.of_page(paging.limit, question), compute, instrument, query.code)


def rule_of(text: str | None) -> dict[str, str]:
    return {} if text is None or text.lower() == ALL else {"rule": stored_name(text)}


def items(rows: QuerySet[Outcome]) -> Iterator[dict[str, Any]]:
    for row in rows.select_related("instrument"):
        yield item(row)


def item(row: Outcome) -> dict[str, Any]:
    figures = {name: getattr(row, name) for name in FIGURES}
    return {
        "code": row.instrument.code if row.instrument else None,
        **{name: getattr(row, name) for name in EXACT},
        "first": shown(row.first, row.timeframe) if row.first else None,
        "last": shown(row.last, row.timeframe) if row.last else None,
        **{name: None if value is None else plain(value) for name, value in figures.items()},
        "costs": costs(row),
        "verdict": row.says or "too_little",
        "says": both(lambda: words.verdict(row)),
        "method": METHOD,
    }


def costs(row: Outcome) -> str | None:
    if row.says == Outcome.Says.TOO_LITTLE and row.net is None:
        return None
    return "does not apply" if row.net is None else COSTS[Family(row.family)]
