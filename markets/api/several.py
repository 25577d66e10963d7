"""What questions about several rates have in common: their days, their rows, and how long an answer holds."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Schema

from markets import clock
from markets.api.as_of import checked
from markets.api.rate_parameters import FillQuery, LatestRatesQuery, RateQuery, split
from markets.api.responses import DAILY, fresh, page, serve, unusual
from markets.api.schemas import Paging, SeriesQuery
from markets.errors import QuestionError
from markets.licence import Audience, audience
from markets.queries import asked, grouped, tables
from markets.queries import rates as rate_queries
from markets.queries.asked import Asked
from markets.queries.figures import Wanted
from markets.redis import generations, response_cache

Rows = tuple[list[dict[str, Any]], int]


def of_source(days: SeriesQuery) -> dict[str, Any]:
    """By its code, whichever of its names was asked for; an unknown one is 404 before anything is kept."""
    return {"source": rate_queries.find_source(days.source).code} if days.source else {}


def period(days: SeriesQuery, filling: FillQuery) -> tuple[date, date]:
    if filling.date is None:
        return rate_queries.period(days.from_, days.to)
    if days.from_ or days.to:
        raise QuestionError("date is one day, from and to are a period: give one of them")
    return filling.date, filling.date


def question_of(query: RateQuery | LatestRatesQuery, source: str | None, asker: Audience) -> Asked:
    as_of, proof = getattr(query, "as_of", None), query.expand == "source"
    return asked.understood(
        split(query.code),
        query.base,
        split(query.quotes),
        lambda found: Wanted(found, query.table, source, asker, as_of, proof),
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


def without_days(as_of: datetime | None, filling: FillQuery, group: str | None = None) -> None:
    """Raises QuestionError for a moment that has not come, and beside what is explained from today's point of view."""
    checked(as_of)
    others = [name for name, value in (("date", filling.date), ("fill", filling.fill), ("group", group)) if value]
    if as_of and others:
        names = ", ".join(others)
        message = f"as_of is for figures as they were published: not with {names}; from and to may be one day"
        raise QuestionError(message, {"not_with": others})


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
    What was known at a moment is computed each time.
    """
    if "as_of" in named:
        return fresh(request, shaped(page(*rows(audience(request)))), DAILY)
    due = tuple(sorted(tables.due_days(clock.now()).items()))
    question = response_cache.Question.of(
        kind, generations.ANY, "several", **named, **unusual(paging), due=due, today=clock.today()
    )
    return serve(request, question, lambda asker: shaped(page(*rows(asker))), named="")
