"""The access log (LOG_ACCESS=1): a line for each request that was answered, without the path and query as typed."""

import logging
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from charon.api.addresses import API, STREAM, canonical
from charon.request_log import METHODS, route_of

logger = logging.getLogger("charon.access")

STATIC = f"/{settings.STATIC_URL.lstrip('/')}"
LIVE = frozenset({STREAM, f"{API}health"})

View = Callable[[HttpRequest], HttpResponseBase]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


def access_logged(get_response: View) -> View:
    """Middleware. The time is that of Django alone: without waiting for a thread, and without sending."""
    if not settings.LOG_ACCESS:
        raise MiddlewareNotUsed("nobody wants a line for each request")

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = get_response(request)
        size = len(response.content) if isinstance(response, HttpResponse) else None
        route = STATIC if request.path_info.startswith(STATIC) else route_of(request)
        write(str(request.method), route, response.status_code, time.perf_counter() - started, size)
        return response

    return middleware


def write(method: str, route: str, status: int, seconds: float, size: int | None) -> None:
    """`size` is that of the body before the front compresses or leaves it out; None for a file and a stream."""
    method = method if method in METHODS else "other"
    details: dict[str, object] = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
    if size is not None:
        details["bytes"] = size
    told = "" if size is None else f" {size} B"
    logger.info("%s %s %d %.1f ms%s", method, route, status, seconds * 1000, told, extra={"details": details})


@contextmanager
def of_live(scope: Message, send: Send) -> Iterator[Send]:
    """The same for `live`; the line of a stream comes when it ends."""
    started, status, size = time.perf_counter(), 0, 0

    async def counted(message: Message) -> None:
        nonlocal status, size
        status, size = message.get("status", status), size + len(message.get("body", b""))
        await send(message)

    try:
        yield counted
    finally:
        if settings.LOG_ACCESS:
            path = canonical(scope["path"])
            route = path if path in LIVE else "/?"
            write(scope["method"], route, status, time.perf_counter() - started, size)
