"""The hub of the event stream: one subscription to Redis, and the listeners that it serves."""

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from markets.redis import client as redis_client

logger = logging.getLogger(__name__)

# (channel, body) of each message; None when the subscription is confirmed. Raises when Redis is gone.
Messages = AsyncGenerator[tuple[str, bytes] | None, None]

# Proxies close a connection that is silent for a minute; the same interval serves for the pings to Redis.
PING_SECONDS = 15.0
CONNECT_SECONDS = 2.0
# Seconds before the next attempt to reach Redis; the last value is repeated.
WAITS = (0.2, 0.4, 0.8, 1.6, 3.0)
WAITING = 200  # frames that wait for one slow client; the oldest are dropped first
LISTENERS = 1000  # at some 15 kB each

PING = b": ping\n\n"
LOST = b"event: lost\ndata: {}\n\n"


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
