"""The stream of server-sent events: new rates and signals, from one Redis subscription to all clients.

An endless response would hold a thread of the web process for ever, so this is an ASGI application of its own
(`manage.py live`). It sends the published messages unchanged; all of them are public. Redis stores none, so a client
that may have missed one receives the event `lost` and has to read the state again.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from charon.api import sse_hub
from charon.api.addresses import canonical
from charon.api.errors import envelope
from charon.api.sse_hub import Hub, Listener
from charon.middleware import KNOWN_ID
from markets.api.responses import reply, uncached

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

STREAM = "/api/v1/stream"
# The id is always the same: a client that sends it back was connected before, and missed the events since.
HELLO = b"retry: 3000\nid: 1\n\n"
BEGIN: dict[str, Any] = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ],
}
END: dict[str, Any] = {"type": "http.response.body"}


class Live:
    """The ASGI application."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "http":
            await self.answer(scope, receive, send)

    async def lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        follower = asyncio.create_task(self.hub.follow())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = canonical(scope["path"]), scope["method"]
        if path not in {STREAM, "/api/v1/health"}:
            await respond(scope, send, refuse(scope, 404, f"Only {STREAM} and /health are here"))
        elif method not in {"GET", "HEAD"}:
            await respond(scope, send, refuse(scope, 405, f"{method} is not allowed here; use GET", Allow="GET, HEAD"))
        elif path != STREAM:
            await respond(scope, send, self.health())
        elif why := self.hub.refusal():
            await respond(scope, send, refuse(scope, 503, why, **{"Retry-After": "5"} if settings.REDIS_URL else {}))
        elif method == "HEAD":
            await send(BEGIN)
            await send(END)
        else:
            await self.stream(receive, send, again=b"last-event-id" in dict(scope["headers"]))

    def health(self) -> HttpResponse:
        """200 while this process serves; it reports a Redis that is away, and stays healthy."""
        redis_is = "off" if not settings.REDIS_URL else "ok" if self.hub.up else "away"
        body = {"status": "ok", "version": settings.VERSION, "redis": redis_is, "listeners": len(self.hub.listeners)}
        return uncached(reply(body))

    async def stream(self, receive: Receive, send: Send, *, again: bool) -> None:
        """Send events until the client disconnects or the hub closes."""
        listener = Listener()
        self.hub.listeners.add(listener)
        watch = asyncio.create_task(until_gone(receive, listener))
        try:
            await send(BEGIN)
            text = HELLO + sse_hub.LOST if again else HELLO
            while not listener.gone:
                await send({"type": "http.response.body", "body": text, "more_body": True})
                text = await listener.take()
            await send(END)
        except asyncio.CancelledError:  # uvicorn cancels a client that reads nothing while the hub closes
            if not self.hub.closed:
                raise
        finally:
            self.hub.listeners.discard(listener)
            watch.cancel()


async def until_gone(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.leave()


def refuse(scope: Scope, status: int, message: str, **headers: str) -> HttpResponse:
    """An error in the envelope of the API."""
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    request = HttpRequest()
    request.META["charon.request_id"] = number = given if KNOWN_ID.fullmatch(given) else uuid.uuid4().hex
    response = envelope(request, status, message)
    for name, value in {"Cache-Control": "no-store", "X-Request-ID": number, **headers}.items():
        response.headers[name] = value
    return response


async def respond(scope: Scope, send: Send, response: HttpResponse) -> None:
    headers = {**response.headers, "Content-Length": str(len(response.content))}
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": pairs})
    await send(END | {"body": b"" if scope["method"] == "HEAD" else response.content})


@csrf_exempt
@require_safe
def elsewhere(request: HttpRequest) -> HttpResponse:
    """The web process answers 503 at this address: each stream would hold one of its few threads."""
    message = "Events are sent by `manage.py live` on a port of its own; a proxy in front leads this address there"
    return envelope(request, 503, message)
