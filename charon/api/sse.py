"""New figures and decisions as they come: server-sent events out of Redis, for as many as listen.

An endless answer would hold a thread of the web for ever, so this is an ASGI application of its own (`manage.py live`).
One subscription a process is handed on to all listeners. Only what is public goes out: the messages as they were
published. Redis keeps none of them, so whoever may have missed one is told to read the state again (`lost`).
"""

import asyncio
import logging
import re
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from typing import Any

import redis.asyncio
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from charon.api.addresses import canonical
from charon.api.errors import envelope
from charon.middleware import KNOWN_ID
from markets.api.responses import reply, uncached
from markets.redis import client as redis_client

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
# (channel, body) of each message; None once the subscription stands. It raises when Redis is gone.
Messages = AsyncGenerator[tuple[str, bytes] | None, None]

STREAM = "/api/v1/stream"
# Proxies cut a connection that is silent for a minute; the same beat finds out whether Redis is still there.
PING_SECONDS = 15.0
CONNECT_SECONDS = 2.0
# Before the next try to reach Redis; the last one again and again.
WAITS = (0.2, 0.4, 0.8, 1.6, 3.0)
WAITING = 200  # frames that wait for one slow client; the oldest go first
LISTENERS = 1000  # at some 15 kB each

# The id is always the same: whoever names it was here before, and missed what was said since.
HELLO = b"retry: 3000\nid: 1\n\n"
PING = b": ping\n\n"
LOST = b"event: lost\ndata: {}\n\n"
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


def frame(channel: str, body: bytes) -> bytes:
    """One event; its name is the channel's, its data what was published."""
    lines = re.split(r"\r\n|\r|\n", body.decode(errors="replace"))
    return "".join([f"event: {channel}\n", *(f"data: {line}\n" for line in lines), "\n"]).encode()


async def messages() -> Messages:
    """What Redis publishes for everybody. A Redis that does not answer a ping either is gone."""
    channels = (settings.REDIS_PUBSUB_CHANNEL_RATES, settings.REDIS_PUBSUB_CHANNEL_SIGNALS)
    names = {redis_client.name(channel).encode(): channel for channel in channels}
    client = redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=None,  # silence is no fault
        socket_connect_timeout=CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # the hub tries again, and knows that it does
    )
    async with client, client.pubsub() as listener:
        await listener.subscribe(*names)
        silent = False
        while True:
            message = await listener.get_message(timeout=PING_SECONDS)
            if message is None:
                if silent:
                    raise redis.TimeoutError("no answer to a ping")
                await listener.ping()
            elif message["type"] == "message":
                yield names[message["channel"]], message["data"]
            elif message["type"] == "subscribe":
                yield None
            silent = message is None


class Listener:
    """What waits for one client. Whoever is too slow loses the oldest frames and is told so."""

    def __init__(self) -> None:
        self.frames: deque[bytes] = deque(maxlen=WAITING)
        self.lost = False
        self.gone = False
        self.bell = asyncio.Event()

    def tell(self, text: bytes) -> None:
        self.lost |= len(self.frames) == WAITING
        self.frames.append(text)
        self.bell.set()

    def leave(self) -> None:
        self.gone = True
        self.bell.set()

    async def take(self) -> bytes:
        """All that waits; a ping when nothing came for a while."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self.bell.wait()
        except TimeoutError:
            return PING
        self.bell.clear()
        text = (LOST if self.lost else b"") + b"".join(self.frames)
        self.frames.clear()
        self.lost = False
        return text


class Hub:
    """The one subscription, and everybody who listens."""

    def __init__(self, source: Callable[[], Messages] = messages) -> None:
        self.source = source
        self.listeners: set[Listener] = set()
        self.up = False
        self.missed = False
        self.closed = False

    async def follow(self) -> None:
        """Until cancelled: what comes is handed on; a Redis that is away is tried again within 3 s."""
        failures = 0
        while settings.REDIS_URL:
            try:
                async with aclosing(self.source()) as coming:
                    async for message in coming:
                        failures = 0
                        self.heard(message)
            except Exception as error:  # whatever it was, those who listen are not left alone with it
                self.away(error)
            await asyncio.sleep(WAITS[min(failures, len(WAITS) - 1)])
            failures += 1

    def heard(self, message: tuple[str, bytes] | None) -> None:
        if message:
            self.tell(frame(*message))
        elif not self.up:
            self.up = True
            if self.missed:
                logger.info("Redis answers again")
                self.missed = False
                self.tell(LOST)

    def away(self, error: Exception) -> None:
        self.up = False
        if not self.missed:
            self.missed = True
            logger.warning("Redis cannot be listened to, trying again: %s", type(error).__name__)

    def tell(self, text: bytes) -> None:
        for listener in self.listeners:
            listener.tell(text)

    def close(self) -> None:
        """Everybody goes home; their browsers come back to whoever serves next."""
        self.closed = True
        for listener in self.listeners:
            listener.leave()

    def refusal(self) -> str:
        """Why nobody can listen now; empty when it is possible."""
        if not settings.REDIS_URL:
            return "This Charon has no Redis, so there is nothing to listen to; ask /rates and /signals instead"
        if not self.up or self.closed:
            return "Redis cannot be listened to at the moment"
        return "Too many listen already" if len(self.listeners) >= LISTENERS else ""


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
            await whole(scope, send, refuse(scope, 404, f"Only {STREAM} and /health are here"))
        elif method not in {"GET", "HEAD"}:
            await whole(scope, send, refuse(scope, 405, f"{method} is not allowed here; use GET", Allow="GET, HEAD"))
        elif path != STREAM:
            await whole(scope, send, self.health())
        elif why := self.hub.refusal():
            await whole(scope, send, refuse(scope, 503, why, **{"Retry-After": "5"} if settings.REDIS_URL else {}))
        elif method == "HEAD":
            await send(BEGIN)
            await send(END)
        else:
            await self.stream(receive, send, again=b"last-event-id" in dict(scope["headers"]))

    def health(self) -> HttpResponse:
        """200 while this process serves: Redis being away is told and does not make it ill."""
        redis_is = "off" if not settings.REDIS_URL else "ok" if self.hub.up else "away"
        body = {"status": "ok", "version": settings.VERSION, "redis": redis_is, "listeners": len(self.hub.listeners)}
        return uncached(reply(body))

    async def stream(self, receive: Receive, send: Send, *, again: bool) -> None:
        """Until the client leaves or the house closes."""
        listener = Listener()
        self.hub.listeners.add(listener)
        watch = asyncio.create_task(until_gone(receive, listener))
        try:
            await send(BEGIN)
            text = HELLO + LOST if again else HELLO
            while not listener.gone:
                await send({"type": "http.response.body", "body": text, "more_body": True})
                text = await listener.take()
            await send(END)
        except asyncio.CancelledError:  # it takes nothing any more, and the house closes all the same
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


async def whole(scope: Scope, send: Send, response: HttpResponse) -> None:
    headers = {**response.headers, "Content-Length": str(len(response.content))}
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": pairs})
    await send(END | {"body": b"" if scope["method"] == "HEAD" else response.content})


@csrf_exempt
@require_safe
def elsewhere(request: HttpRequest) -> HttpResponse:
    """What the web says at this address: a thread of its own for each listener would soon be its last."""
    words = "Events are sent by `manage.py live` on a port of its own; a proxy in front leads this address there"
    return envelope(request, 503, words)
