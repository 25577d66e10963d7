"""The stream of server-sent events: new rates and signals, from one Redis subscription to all clients.

An endless response would hold a thread of the web process for ever, so this is an ASGI application of its own
(`manage.py live`). It sends the published messages unchanged; all of them are public. Redis stores none, so a client
that may have missed one receives the event `lost` and has to read the state again.
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
# (channel, body) of each message; None when the subscription is confirmed. Raises when Redis is gone.
Messages = AsyncGenerator[tuple[str, bytes] | None, None]

STREAM = "/api/v1/stream"
# Proxies close a connection that is silent for a minute; the same interval serves for the pings to Redis.
PING_SECONDS = 15.0
CONNECT_SECONDS = 2.0
# Seconds before the next attempt to reach Redis; the last value is repeated.
WAITS = (0.2, 0.4, 0.8, 1.6, 3.0)
WAITING = 200  # frames that wait for one slow client; the oldest are dropped first
LISTENERS = 1000  # at some 15 kB each

# The id is always the same: a client that sends it back was connected before, and missed the events since.
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
    """The messages of the public channels; raises when Redis does not even answer a ping."""
    channels = (settings.REDIS_PUBSUB_CHANNEL_RATES, settings.REDIS_PUBSUB_CHANNEL_SIGNALS)
    names = {redis_client.name(channel).encode(): channel for channel in channels}
    client = redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=None,  # silence is not an error
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
    """The frames that wait for one client. A client that is too slow loses the oldest ones and gets `lost`."""

    def __init__(self) -> None:
        self.frames: deque[bytes] = deque(maxlen=WAITING)
        self.lost = False
        self.gone = False
        self.wake = asyncio.Event()

    def send(self, text: bytes) -> None:
        self.lost |= len(self.frames) == WAITING
        self.frames.append(text)
        self.wake.set()

    def leave(self) -> None:
        self.gone = True
        self.wake.set()

    async def take(self) -> bytes:
        """All waiting frames; a ping when none came for PING_SECONDS."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self.wake.wait()
        except TimeoutError:
            return PING
        self.wake.clear()
        text = (LOST if self.lost else b"") + b"".join(self.frames)
        self.frames.clear()
        self.lost = False
        return text


class Hub:
    """The one subscription of the process, and its listeners."""

    def __init__(self, source: Callable[[], Messages] = messages) -> None:
        self.source = source
        self.listeners: set[Listener] = set()
        self.up = False
        self.missed = False
        self.closed = False

    async def follow(self) -> None:
        """Forward messages until cancelled; after a lost connection, try again within 3 s."""
        failures = 0
        while settings.REDIS_URL:
            try:
                async with aclosing(self.source()) as coming:
                    async for message in coming:
                        failures = 0
                        self.received(message)
            except Exception as error:  # the listeners must be served again after any error
                self.disconnected(error)
            await asyncio.sleep(WAITS[min(failures, len(WAITS) - 1)])
            failures += 1

    def received(self, message: tuple[str, bytes] | None) -> None:
        if message:
            self.send(frame(*message))
        elif not self.up:
            self.up = True
            if self.missed:
                logger.info("Redis answers again")
                self.missed = False
                self.send(LOST)

    def disconnected(self, error: Exception) -> None:
        self.up = False
        if not self.missed:
            self.missed = True
            logger.warning("Redis cannot be listened to, trying again: %s", type(error).__name__)

    def send(self, text: bytes) -> None:
        for listener in self.listeners:
            listener.send(text)

    def close(self) -> None:
        """End all streams; the browsers reconnect to the next process that serves."""
        self.closed = True
        for listener in self.listeners:
            listener.leave()

    def refusal(self) -> str:
        """The reason why no client can be served now; empty when it is possible."""
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
            text = HELLO + LOST if again else HELLO
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
