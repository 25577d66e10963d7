"""What questions about several rates have in common: their days, their rows, and how long an answer holds."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from markets import clock
from markets.api.as_of import checked
from markets.api.export_query import JSON
from markets.api.rate_parameters import FillQuery, LatestRatesQuery, RateQuery, split
from markets.api.responses import DAILY, NEXT, fresh, page, serve, unusual
from markets.api.schemas import Paging, SeriesQuery
from markets.errors import QuestionError
from markets.exports import format as exported
from markets.licence import Audience, audience
from markets.queries import asked, grouped, tables, unpublished
from markets.queries import rates as rate_queries
from markets.queries.asked import Asked
from markets.queries.figures import Wanted
from markets.redis import generations, response_cache

# For an audience the rows of a slice, and how many there are in all.
Rows = Callable[[Audience, slice], asked.Answer]


def of_source(days: SeriesQuery) -> dict[str, Any]:
    """By its code, whichever of its names was asked for; an unknown one is 404 before anything is kept."""
    return {"source": rate_queries.find_source(days.source).code} if days.source else {}


def is_text(paging: Paging, days: SeriesQuery) -> bool:
    """Whether rows may come as text (`markets.queries.texts`): a file has days, and a source of its own is rare."""
    return paging.format == JSON and not days.source


def explained(filling: FillQuery) -> dict[str, Any]:
    """What a row for every calendar day depends on beside the rates; one query."""
    return {"missing": sorted(map(str, unpublished.holes()))} if filling.date or filling.fill else {}


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
    question: Asked, start: date, end: date, group: grouped.Group | None, filling: FillQuery, part: slice
) -> asked.Answer:
    if group:
        return grouped.rows(question, start, end, group, part)
    if filling.date or filling.fill:
        return asked.every_day(question, start, end, filling.fill or "none", part)
    return asked.published_days(question, start, end, part)


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
    paging: Paging,
    rows: Rows,
    shaped: Callable[[dict[str, Any]], dict[str, Any]],
) -> HttpResponse:
    """An answer that any instrument may change, and the clock where a table is due: it holds until the next of both.

    What is missing explains a day, and no generation tells of it: `named` has it where days are explained. The address
    is not remembered for the day (`named` is nobody's): the hour at which a table is due would pass it by.
    What was known at a moment is computed each time.
    """
    if "as_of" in named:
        return fresh(request, shaped(part_of(paging, rows, audience(request))), DAILY)
    due = tuple(sorted(tables.due_days(clock.now()).items()))
    question = response_cache.Question.of(
        kind, generations.ANY, "several", **named, **unusual(paging), due=due, today=clock.today()
    )
    return serve(request, question, lambda asker: shaped(part_of(paging, rows, asker)), named="")


def part_of(paging: Paging, rows: Rows, asker: Audience) -> dict[str, Any]:
    """A page and what the next one differs by; of a file without a limit what makes its rows, which has no count."""
    if paging.whole:
        return page(whole(paging.offset, rows, asker), 0)
    last = paging.offset + paging.limit
    found, count = rows(asker, slice(paging.offset, last))
    return page(found, count) | ({NEXT: {"offset": last}} if last < count else {})


def whole(offset: int, rows: Rows, asker: Audience) -> exported.Rows:
    def read(first: int | None) -> Iterator[dict[str, Any]]:
        return rows(asker, slice(offset, None if first is None else offset + first))[0]

    return exported.Rows(read)
