"""The hub of the event stream: one subscription to Redis, and the listeners that it serves."""

import asyncio
import logging
import re
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import msgspec
from django.conf import settings

from charon.api.live_question import Question
from markets.redis import client as redis_client
from markets.redis.live_events import CHANNEL, LiveEvent

logger = logging.getLogger(__name__)

# The body of each message; None when the subscription is confirmed. Raises when Redis is gone.
Messages = AsyncGenerator[bytes | None, None]

# Proxies close a connection that is silent for a minute; the same interval serves for the pings to Redis.
PING_SECONDS = 15.0
CONNECT_SECONDS = 2.0
# Seconds before the next attempt to reach Redis; the last value is repeated.
WAITS = (0.2, 0.4, 0.8, 1.6, 3.0)
WAITING = 200  # frames that wait for one slow client; the oldest are dropped first
LISTENERS = 1000  # at some 15 kB each
OF_ONE = 50  # of one address: an office behind one router, and not everybody's places
KEPT = 1000  # events for clients that come back; some 300 bytes each

PING = b": ping\n\n"
RETRY = b"retry: 3000\n\n"
LOST = b"event: lost\ndata: {}\n\n"
NO_REDIS = "Events need Redis: add REDIS_URL. Without it ask /prices/latest, /rates, /signals and /jobs instead"
EVENT = msgspec.json.Decoder(LiveEvent)


def frame(number: str, event: LiveEvent) -> bytes:
    """One event of the stream. JSON of another program may have line breaks."""
    lines = re.split(r"\r\n|\r|\n", bytes(event.data).decode(errors="replace"))
    name = re.sub(r"[\r\n]", " ", event.name)
    return "".join([f"id: {number}\nevent: {name}\n", *(f"data: {line}\n" for line in lines), "\n"]).encode()


async def messages() -> Messages:
    """The messages of the channel of events; raises when Redis does not even answer a ping."""
    # As in markets.redis.client: web loads this module too, also where there is no Redis.
    import redis.asyncio
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    client = redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=None,  # silence is not an error
        socket_connect_timeout=CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # the hub tries again, and knows that it does
    )
    async with client, client.pubsub() as listener:
        await listener.subscribe(redis_client.name(CHANNEL))
        silent = False
        while True:
            message = await listener.get_message(timeout=PING_SECONDS)
            if message is None:
                if silent:
                    raise redis.TimeoutError("no answer to a ping")
                await listener.ping()
            elif message["type"] == "message":
                yield message["data"]
            elif message["type"] == "subscribe":
                yield None
            silent = message is None


class Listener:
    """The frames that wait for one client. A client that is too slow loses the oldest ones and gets `lost`.

    `sees_all`: an operator, to whom no licence closes anything.
    """

    def __init__(self, question: Question, sees_all: bool, address: str = "") -> None:
        self.question, self.sees_all, self.address = question, sees_all, address
        self.frames: deque[bytes] = deque(maxlen=WAITING)
        self.lost = False
        self.gone = False
        self.wake = asyncio.Event()

    def may_have(self, event: LiveEvent) -> bool:
        return (event.public or self.sees_all) and self.question.wants(event)

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


@dataclass(frozen=True, slots=True)
class Heard:
    number: int
    event: LiveEvent
    frame: bytes


class Hub:
    """The one subscription of the process, its listeners, and the newest events for those who come back.

    The id of an event is `run-number`. A run ends with the process or the subscription: nobody knows what was said
    until the next one began.
    """

    def __init__(self, source: Callable[[], Messages] = messages) -> None:
        self.source = source
        self.listeners: set[Listener] = set()
        self.up = False
        self.missed = False
        self.closed = False
        self.kept: deque[Heard] = deque(maxlen=KEPT)
        self.begin()

    def begin(self) -> None:
        self.run, self.number = secrets.token_hex(4), 0
        self.kept.clear()

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

    def received(self, message: bytes | None) -> None:
        if message is not None:
            self.tell(message)
        elif not self.up:
            self.up = True
            if self.missed:
                logger.info("Redis answers again")
                self.missed = False
                self.begin()
                for listener in self.listeners:
                    listener.send(LOST + self.place())

    def disconnected(self, error: Exception) -> None:
        self.up = False
        if not self.missed:
            self.missed = True
            logger.warning("Redis cannot be listened to, trying again: %s", type(error).__name__)

    def tell(self, message: bytes) -> None:
        """Each listener hears what it asked for and may know. Words of another program are no event."""
        try:
            event = EVENT.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            logger.warning("A message of %s is no event", CHANNEL)
            return
        self.number += 1
        heard = Heard(self.number, event, frame(f"{self.run}-{self.number}", event))
        self.kept.append(heard)
        for listener in self.listeners:
            if listener.may_have(event):
                listener.send(heard.frame)

    def is_crowded_by(self, address: str) -> bool:
        return sum(one.address == address for one in self.listeners) >= OF_ONE

    def join(self, listener: Listener, last_id: str) -> bytes:
        """Adds the listener; returns its first words: what it missed since `last_id`, or `lost` when nobody knows."""
        self.listeners.add(listener)
        since = self.since(last_id) if last_id else []
        missed = LOST if since is None else b"".join(one.frame for one in since if listener.may_have(one.event))
        return RETRY + missed + self.place()

    def since(self, last_id: str) -> list[Heard] | None:
        """What was heard after the event of this id; None when it is of another run, or too old."""
        run, _, text = last_id.partition("-")
        number = int(text) if re.fullmatch(r"[0-9]{1,15}", text) else -1
        if run != self.run or not self.number - len(self.kept) <= number <= self.number:
            return None
        return [one for one in self.kept if one.number > number]

    def place(self) -> bytes:
        """The id that a client names when it comes back, even if it has heard nothing of what it asked for."""
        return f"id: {self.run}-{self.number}\n\n".encode()

    def close(self) -> None:
        """End all streams; the browsers reconnect to the next process that serves."""
        self.closed = True
        for listener in self.listeners:
            listener.leave()

    def refusal(self) -> str:
        """The reason why no client can be served now; empty when it is possible."""
        if not settings.REDIS_URL:
            return NO_REDIS
        if not self.up or self.closed:
            return "Redis cannot be listened to at the moment"
        return "Too many listen already" if len(self.listeners) >= LISTENERS else ""
