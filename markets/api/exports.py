"""Lists as files: what a request wants, and the one way in which every list is written.

A short list is an answer like any other, with its ETag. A long one streams row by row, in the thread that the front has
for streams; its cursor ends with its client.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar, cast

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.sql.where import WhereNode
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from markets.api.export_columns import columns_in, columns_of
from markets.api.export_query import JSON, SEPARATORS
from markets.errors import QuestionError
from markets.exports import FORMATS
from markets.exports.format import Chunks, Dialect, Format, Row, Rows

M = TypeVar("M", bound=Model)

OPERATION = "charon.exported"
# Rows that are read and written at a time: half a megabyte of JSON at most.
CHUNK = 1000
# Of what was asked for, these name a file.
NAMING = ("code", "symbol", "asset", "table", "timeframe", "date", "from", "to")
WRITING = ("sep", "dec", "bom")


def lists_as_files(run: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Around every operation: one that takes `format` also heeds `Accept`, and says so in the schema of the API."""
    operation = inspect.unwrap(run).__self__
    if not is_list(operation):
        return run
    operation.openapi_extra = with_files(operation.openapi_extra)

    @functools.wraps(run)
    def told(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        request.META[OPERATION] = operation
        if "format" not in request.GET and (found := accepted(request)):
            asked = request.GET.copy()
            asked["format"] = found
            request.GET = asked  # type: ignore[assignment]  # django-stubs: of a request it cannot be changed
        return run(request, **kwargs)

    return told


def is_list(operation: Operation) -> bool:
    queries = (model for model in operation.models if model.__ninja_param_source__ == "query")
    return "GET" in operation.methods and any("format" in model.__ninja_flatten_map__ for model in queries)


def with_files(extra: dict[str, Any] | None) -> dict[str, Any]:
    """The media types of the answer, in what the operation says of itself."""
    kinds = dict.fromkeys(media_type(one) for one in FORMATS.values())
    content = {kind: {"schema": {"type": "string"}} for kind in kinds}
    return {**(extra or {}), "responses": {200: {"content": content}}}


def media_type(one: Format) -> str:
    return one.media_type.partition(";")[0]


def accepted(request: HttpRequest) -> str | None:
    """The format that `Accept` prefers to JSON, if it names one."""
    said = request.META.get("HTTP_ACCEPT", "")
    kinds = {media_type(one): name for name, one in reversed(FORMATS.items()) if media_type(one) in said}
    return kinds.get(request.get_preferred_type(["application/json", *kinds]) or "") if kinds else None


def wanted(request: HttpRequest) -> Format | None:
    """The format other than JSON that a list was asked for in. QuestionError for a dialect that it does not have."""
    if OPERATION not in request.META:
        return None
    found = FORMATS.get(request.GET.get("format", JSON))
    if (found is None or found.dialect is None) and (named := [name for name in WRITING if name in request.GET]):
        takes = [name for name, one in FORMATS.items() if one.dialect]
        raise QuestionError(f"{', '.join(named)}: only for format={', '.join(takes)}", {"formats": takes})
    return found


def dialect_of(request: HttpRequest, found: Format) -> Dialect:
    """That of the format, and what was asked for beside it."""
    usual, asked = found.dialect or Dialect(), request.GET
    sep = SEPARATORS[asked["sep"]] if "sep" in asked else usual.sep
    dec = asked.get("dec", usual.dec)
    if sep == dec:
        raise QuestionError(f"sep and dec are both {sep!r}: nobody could tell them apart", {"sep": sep, "dec": dec})
    return usual._replace(sep=sep, dec=dec, bom=asked.get("bom", "1" if usual.bom else "0") == "1")


def answer(request: HttpRequest, found: Format, content: Any) -> HttpResponse:
    """The list as a file: at once where it is short, else as a stream. `content` is what JSON would have been of."""
    rows: Iterable[Row] = content["items"] if isinstance(content, dict) else content
    dialect = dialect_of(request, found)
    head, rest = beginning(rows)
    columns = columns_in(columns_of(request.META[OPERATION]), head)
    found.check(columns)
    pieces = found.write(columns, chunks_of(rows) if rest else iter([head]), dialect)
    kind = {"content_type": found.media_type}
    # A stream is no HttpResponse, but what is done to one: to have its headers set, and to be handed on by ninja.
    stream = cast("HttpResponse", StreamingHttpResponse(pieces, **kind)) if rest else None
    response = stream or HttpResponse(b"".join(pieces), **kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name(request, found.suffix)}"'
    return response


def beginning(rows: Iterable[Row]) -> tuple[list[Row], bool]:
    """The first rows, and whether there are more, which are read in another thread."""
    head = list(islice(rows.read(CHUNK + 1) if isinstance(rows, Rows) else rows, CHUNK + 1))
    return head[:CHUNK], len(head) > CHUNK


def chunks_of(rows: Iterable[Row]) -> Chunks:
    """All rows, as they are asked for."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:  # a million rows would fill the 128 MB that SQLite may map of its file
            cursor.execute("PRAGMA mmap_size = 0")
    reader = iter(rows)
    while chunk := list(islice(reader, CHUNK)):
        yield chunk


def file_name(request: HttpRequest, suffix: str) -> str:
    """`rates-USD-2024-01-01-2024-12-31.csv`: the list, and what it is of."""
    path = request.path_info.removeprefix("/api/v1/").strip("/")
    parts = [path, *(request.GET[name] for name in NAMING if request.GET.get(name))]
    return f"{re.sub(r'[^A-Za-z0-9.]+', '-', '-'.join(parts)).strip('-.')[:100]}.{suffix}"


def streamed(page: QuerySet[M], rows: QuerySet[M], items: Callable[[QuerySet[M]], Iterable[Row]]) -> Iterator[Row]:
    """The items of a page without an end, of `rows`: a cursor over its keys, and a small query for each chunk of them.

    So `items` may look up what belongs to its rows, as it does for any page.
    """
    if page.query.combinator or page.query.group_by is not None or not page.query.default_cols:
        yield from items(page)  # rows without keys
        return
    keys = page.values_list("pk", flat=True).iterator(chunk_size=CHUNK)
    while chunk := list(islice(keys, CHUNK)):
        yield from items(of_keys(rows, chunk))


def of_keys(rows: QuerySet[M], keys: list[Any]) -> QuerySet[M]:
    """These rows in the same order. Beside its other conditions SQLite would read the whole series for each chunk."""
    chunk = rows.all()
    chunk.query.where = WhereNode()
    return chunk.filter(pk__in=keys)
