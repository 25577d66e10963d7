"""The one way to answer: rows to JSON, a page of a list, and the headers of every answer.

Two kinds of answers are public. `serve` keeps bytes on the server under the generation of an instrument, which every
writer of rates and signals raises. `fresh` computes each answer: prices, candles, jobs and sources change without a
generation, so only the client keeps a copy, and the ETag saves it the body. An operator's answer is always private.
Each list is also answered as a file (`markets.api.exports`), which no cache of the server keeps.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import urlencode
from ninja import Schema

from markets.api import exports
from markets.api.export_query import JSON as JSON_FORMAT
from markets.api.export_query import Export
from markets.api.schemas import NewestFirst, Paging, behind_cursor
from markets.exports.format import Row, Rows
from markets.licence import Audience, audience
from markets.models import Instrument
from markets.redis import memory_cache, response_cache

M = TypeVar("M", bound=Model)
Items = Iterable[Any]

JSON = "application/json; charset=utf-8"
# In a content: not sent, but said in the header Link.
NEXT = "\0next"
ACCEPTS_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")

# Official rates come once a day: a minute may pass, and a day while Charon cannot be reached.
DAILY = "public, max-age=60, stale-if-error=86400"
# Candles and sources change with a poll of a minute or more. An old candle must not pass for the open one for long.
POLLED = "public, max-age=15, stale-if-error=60"
# Prices and jobs change with every poll; 5 s is the shortest interval that a source may have (miner.schemas.NewSource).
LIVE = "public, max-age=5, stale-if-error=60"


class CachedAnswer(HttpResponse):
    """An answer of the cache. `charon.api.fast_path` sends it, and repeats it for the same address if `again`."""

    def __init__(self, question: response_cache.Question, kept: memory_cache.Cached, again: bool) -> None:
        super().__init__(kept.body, content_type=JSON)
        self.question, self.kept, self.again = question, kept, again


class Pending(HttpResponse):
    """202 with where to look, for work that may end within seconds.

    `look` returns the answer once there is one. It takes milliseconds: who can wait without holding a thread
    (`charon.api.pending`) asks again and again, everybody else sends the 202.
    """

    def __init__(
        self, request: HttpRequest, content: Any, location: str, look: Callable[[], HttpResponse | None]
    ) -> None:
        super().__init__(msgspec.json.encode(content), status=202, content_type=JSON)
        self.headers["Location"] = location
        self.asked, self.look = request, look


def reply(content: Any, status: int = 200) -> HttpResponse:
    """Rows to JSON at once: ten times cheaper than a schema object for each of 10,000 rows."""
    return HttpResponse(msgspec.json.encode(content), status=status, content_type=JSON)


def uncached(response: HttpResponse) -> HttpResponse:
    """What is true only now, as the health of a process."""
    response.headers["Cache-Control"] = "no-store"
    return response


def private(response: HttpResponse) -> HttpResponse:
    """What only operators may see: no cache keeps it."""
    patch_vary_headers(response, ["Authorization", "Cookie"])
    response.headers["Cache-Control"] = "private, no-store"
    return response


def nothing() -> HttpResponse:
    """204 for an operator; of no content there is no type, which would also be taken for a page."""
    response = HttpResponse(status=204)
    del response.headers["Content-Type"]
    return private(response)


def serve(
    request: HttpRequest,
    question: response_cache.Question,
    compute: Callable[[Audience], Any],
    instrument: Instrument | None = None,
    named: str | None = None,
) -> HttpResponse:
    """Answers from the cache, or computes and caches. An operator's answer is computed each time and never cached.

    `instrument` is what the answer depends on, as it was just read. `named` is how the client wrote it: the address is
    remembered only for a code, because an alias may mean another instrument tomorrow.
    """
    if wanted := exports.wanted(request):
        return told(request, exports.answer(request, wanted, compute(audience(request))), DAILY)
    if audience(request) is Audience.OPERATOR:
        return private(linked(request, compute(Audience.OPERATOR)))
    number = None if instrument is None else generation_of(instrument)
    kept = response_cache.answer(question, lambda: encoded(compute(Audience.API)), number)
    return CachedAnswer(question, kept, again=named is None or named.strip().upper() == question.scope)


def generation_of(instrument: Instrument) -> int:
    """As it was read with it."""
    return instrument.generation.number if hasattr(instrument, "generation") else 0


def send(request: HttpRequest, kept: memory_cache.Cached) -> HttpResponseBase:
    """The kept bytes, packed for a client that takes gzip; 304 for one that has them."""
    takes_gzip = ACCEPTS_GZIP.search(request.META.get("HTTP_ACCEPT_ENCODING", ""))
    packed = kept.pack() if takes_gzip else b""
    body = packed or kept.body
    # Other bytes, another tag: a strong one promises that every byte is the same. An ending in -gzip is what proxies
    # give to what they pack themselves, and Caddy cuts it off when the tag comes back: ours would never be known again.
    etag = f'"{kept.etag}.gz"' if packed else f'"{kept.etag}"'
    headers = {"Cache-Control": DAILY, "Content-Length": str(len(body)), "ETag": etag}
    headers["Vary"] = "Accept, Accept-Encoding"
    if packed:
        headers["Content-Encoding"] = "gzip"
    if kept.next:
        headers["Link"] = link(request, kept.next)
    response = HttpResponse(body, content_type=JSON, headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response


def encoded(content: Any) -> bytes | memory_cache.Body:
    """As it is kept, with what its next page differs by."""
    following = content.pop(NEXT, None) if isinstance(content, dict) else None
    body = msgspec.json.encode(content)
    return memory_cache.Body(body, urlencode(following)) if following else body


def linked(request: HttpRequest, content: Any) -> HttpResponse:
    """The rows, and in `Link` where the next ones are."""
    made = encoded(content)
    if isinstance(made, bytes):
        return HttpResponse(made, content_type=JSON)
    return HttpResponse(made.content, content_type=JSON, headers={"Link": link(request, made.next)})


def link(request: HttpRequest, following: str) -> str:
    """The address of the next page (RFC 8288): this one with other parameters."""
    return link_of(request.path_info, request.GET.dict(), QueryDict(following).dict())


def link_of(path: str, asked: Mapping[str, object], following: Mapping[str, object]) -> str:
    told = {name: str(value) for name, value in {**asked, **following}.items() if value}
    return f'<{path}?{urlencode(told)}>; rel="next"'


def fresh(
    request: HttpRequest,
    content: Any,
    cache_control: str = LIVE,
    *,
    total: int | None = None,
    source: str | None = None,
    following: dict[str, Any] | None = None,
) -> HttpResponse:
    """An answer of this moment; 304 for a client that has the same.

    What a bare array has no room for is in headers: the `total` before paging, the `source` that answers, and what the
    `following` page differs by.
    """
    wanted = exports.wanted(request)
    response = exports.answer(request, wanted, content) if wanted else linked(request, content)
    if total is not None:
        response.headers["X-Total-Count"] = str(total)
    if source is not None:
        response.headers["X-Source"] = source
    if following:
        response.headers["Link"] = link(request, urlencode(following))
    return told(request, response, cache_control)


def fresh_array(
    request: HttpRequest, paging: Paging, rows: QuerySet[M], items: Callable[[QuerySet[M]], Items]
) -> HttpResponse:
    """A bare array, whose total and next page have no room but in headers."""
    found, count = array(paging, rows, items), rows.count()
    more = following(paging, rows, len(found), count) if isinstance(found, list) else None
    return fresh(request, found, total=count, following=more)


def told(request: HttpRequest, response: HttpResponse, cache_control: str) -> HttpResponse:
    """With what caches must know. A stream has no tag, since nobody knows yet what it will be; nobody keeps it."""
    if audience(request) is Audience.OPERATOR:
        return private(response)
    if response.streaming:
        return uncached(response)
    etag = tag(response)
    response.headers["Cache-Control"] = cache_control
    response.headers["ETag"] = etag
    # An operator with the same cache must not be given the public's answer, nor JSON whoever takes a table.
    patch_vary_headers(response, ["Accept", "Authorization", "Cookie"])
    known = get_conditional_response(request, etag=etag, response=response)
    return known if isinstance(known, HttpResponse) else response


def tag(response: HttpResponse) -> str:
    """Body and headers: a 304 must not leave a client with an old `X-Total-Count`."""
    told = repr(sorted(response.items())).encode()
    return f'"{blake2b(told + response.content, digest_size=16).hexdigest()}"'


def typed(query: Export, rows: list[Row], *moments: str) -> list[Row]:
    """Rows of text (`markets.queries.texts`); a file has its moments as such, which a spreadsheet reckons with."""
    if query.format == JSON_FORMAT:
        return rows
    return [row | {name: row[name] and datetime.fromisoformat(row[name]) for name in moments} for row in rows]


def own(request: HttpRequest, content: Any) -> HttpResponse:
    """A list that is for operators alone."""
    wanted = exports.wanted(request)
    return private(exports.answer(request, wanted, content) if wanted else linked(request, content))


def page(items: Items, count: int) -> dict[str, Any]:
    """The shape of every list but the bare arrays of docs/technical.md; `count` is the total before paging."""
    return {"items": items if isinstance(items, Rows | list) else list(items), "count": count}


def array(paging: Paging, rows: QuerySet[M], items: Callable[[QuerySet[M]], Items]) -> Items:
    """The items of a page; of a file without a limit what reads them one after the other."""
    wanted = paging.of(rows)
    if paging.whole:
        return Rows(lambda first: items(wanted[:first]) if first else exports.streamed(wanted, rows, items))
    return list(items(wanted))


def listing(paging: Paging, rows: QuerySet[M], items: Callable[[QuerySet[M]], Items]) -> dict[str, Any]:
    """A page and how many there are in all; a page that is not full knows that by itself. A file has no count."""
    found = array(paging, rows, items)
    if isinstance(found, Rows):
        return page(found, 0)
    sent = list(found)
    if knows_its_count(paging, sent):
        return page(sent, paging.offset + len(sent))
    count = rows.count()
    return with_next(page(sent, count), following(paging, rows, len(sent), count))


def counted(paging: Paging, found: Sequence[Any], count: Callable[[], int]) -> dict[str, Any]:
    """A page by offset that was read already; a full one is counted."""
    if knows_its_count(paging, found):
        return page(found, paging.offset + len(found))
    number, last = count(), paging.offset + len(found)
    has_more = len(found) == paging.limit and last < number
    return with_next(page(found, number), {"offset": last} if has_more else {})


def counted_behind(
    paging: NewestFirst, found: Sequence[Any], count: Callable[[], int], cursor: str | None
) -> dict[str, Any]:
    """The same of one by cursor, which is that of the last row where there are more."""
    if knows_its_count(paging, found):
        return page(found, paging.offset + len(found))
    return with_next(page(found, count()), behind_cursor(cursor))


def knows_its_count(paging: Paging, found: Sequence[Any]) -> bool:
    return len(found) < paging.limit and not paging.has_cursor and bool(found or not paging.offset)


def with_next(answer: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return answer | ({NEXT: more} if more else {})


def following(paging: Paging, rows: QuerySet[M], sent: int, count: int) -> dict[str, Any]:
    """What the next page differs by, where there is one. Behind a cursor nobody has counted."""
    has_more = sent == paging.limit and (paging.has_cursor or paging.offset + sent < count)
    return paging.next(rows) if has_more else {}


def page_of(paging: Paging, rows: Sequence[Any], items: Callable[[Sequence[Any]], Items]) -> dict[str, Any]:
    """The same of rows that are in memory already."""
    last = None if paging.whole else paging.offset + paging.limit
    more = {} if last is None or last >= len(rows) else {NEXT: {"offset": last}}
    return page(items(rows[paging.offset : last]), len(rows)) | more


def unusual(asked: Schema, *but: str) -> dict[str, Any]:
    """The parameters that are not as by default, `but` these."""
    return asked.model_dump(exclude=set(but), exclude_defaults=True)
