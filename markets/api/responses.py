"""How the API answers: rows to JSON, an answer of the cache, a page of a list."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from ninja import Schema

from markets.api.schemas import Paging
from markets.licence import Audience, audience
from markets.models import Instrument
from markets.redis import response_cache

M = TypeVar("M", bound=Model)

JSON = "application/json; charset=utf-8"


class Ready(HttpResponse):
    """An answer of the cache. The roof gives it its headers, and may give it `again` to the same words."""

    def __init__(self, question: response_cache.Question, kept: response_cache.Cached, again: bool) -> None:
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
