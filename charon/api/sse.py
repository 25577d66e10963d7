"""The stream of server-sent events: rates, prices, signals and ended jobs, from one Redis subscription to all clients.

An endless response would hold a thread of the web process for ever, so this is an ASGI application of its own
(`manage.py live`). What a source's licence keeps from the public API is sent to operators alone. A client that may have
missed more than the newest events, which the hub keeps, receives the event `lost` and has to read the state again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.db import Error, connections
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from charon import access_log, request_ids
from charon.api import client_address, cors, sse_hub
from charon.api.addresses import STREAM, canonical
from charon.api.errors import NO_VALID_CALLER, envelope
from charon.api.live_question import question_of
from charon.api.sse_hub import Hub, Listener
from charon.request_log import METHODS
from markets import access
from markets.api.responses import reply, uncached

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

logger = logging.getLogger(__name__)

# A token may be revoked while its owner listens.
RECHECK_SECONDS = 60.0
ELSEWHERE = "Events are sent by `manage.py live` on a port of its own; a proxy in front leads this address there"
CROWDED = f"One address may listen {sse_hub.OF_ONE} times at once"
BEGIN: dict[str, Any] = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        (b"x-content-type-options", b"nosniff"),
    ],
}
ALLOWED = "GET, HEAD, OPTIONS"
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
        given = header_of(scope, b"x-request-id")
        with request_ids.working_for(request_ids.chosen(given)), access_log.of_live(scope, send) as counted:
            await self.answer_in_turn(scope, receive, counted)

    async def answer_in_turn(self, scope: Scope, receive: Receive, send_plain: Send) -> None:
        path, method = canonical(scope["path"]), scope["method"]
        send = allowing([*origin_headers(scope, path), *https_headers()], send_plain)
        if early := answer_at_once(scope, path):
            await respond(scope, send, early)
        elif (caller := await caller_of(scope)) is access.STRANGER:
            await respond(scope, send, refuse(scope, 401, NO_VALID_CALLER, **{"WWW-Authenticate": "Bearer"}))
        elif path != STREAM:
            await respond(scope, send, self.health())
        elif faults := question_of(scope.get("query_string", b""))[1]:
            fields = ", ".join(dict.fromkeys(fault["field"] for fault in faults))
            await respond(scope, send, refuse(scope, 422, f"Wrong parameters: {fields}", faults))
        elif why := self.hub.refusal():
            await respond(scope, send, refuse(scope, 503, why, **{"Retry-After": "5"} if settings.REDIS_URL else {}))
        elif self.hub.is_crowded_by(address_of(scope)):
            await respond(scope, send, refuse(scope, 429, CROWDED, **{"Retry-After": "60"}))
        elif method == "HEAD":
            await send(BEGIN)
            await send(END)
        else:
            await self.stream(scope, receive, send, sees_all=is_operator(caller))

    def health(self) -> HttpResponse:
        """200 while this process serves; it reports a Redis that is away, and stays healthy."""
        redis_is = "off" if not settings.REDIS_URL else "ok" if self.hub.up else "away"
        body = {"status": "ok", "version": settings.VERSION, "redis": redis_is, "listeners": len(self.hub.listeners)}
        return uncached(reply(body))

    async def stream(self, scope: Scope, receive: Receive, send: Send, *, sees_all: bool) -> None:
        """Send events until the client disconnects, loses its rights, or the hub closes."""
        question, _ = question_of(scope.get("query_string", b""))
        listener = Listener(question, sees_all, address_of(scope))
        text = self.hub.join(listener, header_of(scope, b"last-event-id"))
        checked = time.monotonic()
        watch = asyncio.create_task(until_gone(receive, listener))
        try:
            await send(BEGIN)
            while not listener.gone:
                await send({"type": "http.response.body", "body": text, "more_body": True})
                text = await listener.take()
                if sees_all and time.monotonic() - checked > RECHECK_SECONDS:
                    checked = time.monotonic()
                    if not is_operator(await caller_of(scope)):
                        break
            await send(END)
        except asyncio.CancelledError:  # uvicorn cancels a client that reads nothing while the hub closes
            if not self.hub.closed:
                raise
        finally:
            self.hub.listeners.discard(listener)
            watch.cancel()


def answer_at_once(scope: Scope, path: str) -> HttpResponse | None:
    """For what is no question about events or health, whoever asks it."""
    method = scope["method"]
    if not is_known_host(scope):
        return refuse(scope, 400, "This name is not one of ALLOWED_HOSTS")
    if path not in {STREAM, "/api/v1/health"}:
        return refuse(scope, 404, f"Only {STREAM} and /health are here")
    if method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": ALLOWED})
    if method not in {"GET", "HEAD"}:
        return refuse(scope, 405, f"{method} is not allowed here; use GET", Allow=ALLOWED)
    return None


def is_known_host(scope: Scope) -> bool:
    """As Django asks it of the web: a page elsewhere must not reach this process under a name of its own."""
    host, _port = split_domain_port(header_of(scope, b"host"))
    return bool(host) and validate_host(host, settings.ALLOWED_HOSTS)


def origin_headers(scope: Scope, path: str) -> list[tuple[bytes, bytes]]:
    """What the origin of a page elsewhere is told, by the rule of the API."""
    request = HttpRequest()
    request.method, request.path_info = scope["method"], path
    asked = ("origin", "access-control-request-method")
    named = {name: header_of(scope, name.encode()) for name in asked}
    request.META.update({f"HTTP_{name.upper().replace('-', '_')}": value for name, value in named.items() if value})
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in cors.headers_of(request).items()]


def https_headers() -> list[tuple[bytes, bytes]]:
    """As SecurityMiddleware says it of the web; a browser ignores it over plain HTTP (RFC 6797, 8.1)."""
    seconds = settings.SECURE_HSTS_SECONDS
    return [(b"strict-transport-security", f"max-age={seconds}".encode())] if seconds else []


def allowing(headers: list[tuple[bytes, bytes]], send: Send) -> Send:
    async def with_origin(message: MutableMapping[str, Any]) -> None:
        more = {"headers": [*message["headers"], *headers]} if message["type"] == "http.response.start" else {}
        await send({**message, **more})

    return with_origin


def address_of(scope: Scope) -> str:
    peer, _ = scope.get("client") or ("", 0)
    forwarded = header_of(scope, b"x-forwarded-for")[-client_address.MAX_FORWARDED :]
    return client_address.client_address(peer, forwarded, settings.TRUSTED_PROXIES)


def header_of(scope: Scope, name: bytes) -> str:
    return str(dict(scope["headers"]).get(name, b"").decode("latin-1"))


async def caller_of(scope: Scope) -> access.Caller | None:
    """As at every address of the API: whoever names a token names a valid one. The database is asked in a thread."""
    if b"authorization" not in dict(scope["headers"]):
        return None
    return await asyncio.to_thread(identified, header_of(scope, b"authorization"))


def identified(header: str) -> access.Caller:
    try:
        return access.identify(header)
    except Error:
        return access.STRANGER
    finally:
        connections.close_all()


def is_operator(caller: access.Caller | None) -> bool:
    """Who sees in the API what the licence of a source keeps from the public."""
    return caller is not None and caller.permissions.issuperset(access.UNLICENSED)


async def until_gone(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.leave()


def refuse(scope: Scope, status: int, message: str, detail: Any = None, **headers: str) -> HttpResponse:
    """An error in the envelope of the API."""
    request = HttpRequest()
    request.META["charon.request_id"] = number = request_ids.current.get()
    response = envelope(request, status, message, detail)
    logger.warning("%s of live %d", scope["method"] if scope["method"] in METHODS else "other", status)
    for name, value in {"X-Request-ID": number, **headers}.items():
        response.headers[name] = value
    return response


async def respond(scope: Scope, send: Send, response: HttpResponse) -> None:
    always = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    headers = {**always, **response.headers, "Content-Length": str(len(response.content))}
    if response.status_code == 204:
        del headers["Content-Type"], headers["Content-Length"]  # of no content
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": pairs})
    await send(END | {"body": b"" if scope["method"] == "HEAD" else response.content})


@csrf_exempt
@require_safe
def elsewhere(request: HttpRequest) -> HttpResponse:
    """The web process answers 503 at this address: each stream would hold one of its few threads."""
    return envelope(request, 503, ELSEWHERE if settings.REDIS_URL else sse_hub.NO_REDIS)
