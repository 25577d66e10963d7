"""The one place that talks to Redis: messages, keys that expire, and the log of both.

Redis is a convenience. Who cannot reach it gets the answer `otherwise`, the log gets one warning, and for a while
nobody asks again; then one asks for all, and when Redis is back one line says so. What Redis refuses (no memory, no
permission) is another matter: the rest of it goes on being used. Nothing depends on a message arriving.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec
import redis
from django.conf import settings
from django_redis import get_redis_connection

from markets import clock

logger = logging.getLogger(__name__)

T = TypeVar("T")
Kind = Literal["publish", "cache_write", "cache_read", "signal", "error"]
State = Literal["ok", "unreachable", "off"]

# Figures keep every digit that their source gave: JSON numbers are as long as need be.
JSON = msgspec.json.Encoder(decimal_format="number")

LOG = "redis:message_log"
LOG_LENGTH = 10_000
# After a failure nobody waits for Redis again so long: a slow one costs one time-out in ten seconds, not one a request.
COOL_DOWN_SECONDS = 10.0
# A full Redis refuses every write, a thousand times an hour: said once in so long.
QUIET_SECONDS = 600.0
SUMMARY_LENGTH = 500


@dataclass(slots=True)
class Entry:
    """One line of the message log; `source` is market-data (miner, pulse), ta-service (brain) or dashboard (web)."""

    type: Kind
    channel: str
    source: str
    summary: str
    payload_size: int

    def fields(self) -> dict[Any, Any]:
        return {
            "type": self.type,
            "channel": self.channel,
            "source": self.source,
            "summary": self.summary[:SUMMARY_LENGTH],
            "payload_size": self.payload_size,
            "timestamp": clock.now().isoformat(),
        }


@dataclass(slots=True)
class ConnectionState:
    """How this process and Redis get on. The times of `..._until` are the monotonic clock's."""

    lost_at: datetime | None = None
    cooling_until: float = 0.0
    quiet_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def may_ask(self) -> bool:
        """While Redis is lost, one thread in REST_SECONDS, for all."""
        if self.lost_at is None:
            return True
        with self.lock:
            now = time.monotonic()
            if now < self.cooling_until:
                return False
            self.cooling_until = now + COOL_DOWN_SECONDS
            return True

    def lose(self, error: Exception) -> None:
        with self.lock:
            self.cooling_until = time.monotonic() + COOL_DOWN_SECONDS
            first, self.lost_at = self.lost_at is None, self.lost_at or clock.now()
        if first:
            logger.warning("Redis cannot be used, Charon goes on without it: %s", type(error).__name__)

    def find(self) -> None:
        if self.lost_at is None:
            return
        with self.lock:
            back, self.lost_at = self.lost_at is not None, None
        if back:
            logger.info("Redis answers again")

    def refuse(self, error: Exception) -> None:
        with self.lock:
            now = time.monotonic()
            due, self.quiet_until = now >= self.quiet_until, max(self.quiet_until, now + QUIET_SECONDS)
        if due:
            logger.warning("Redis refuses something, Charon goes on without it: %s", refusal(error))


def refusal(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:160]


connection = ConnectionState()


def forget() -> None:
    """A process begins: what another one knew, and its locks, are not inherited."""
    global connection
    connection = ConnectionState()


os.register_at_fork(after_in_child=forget)


def name(text: str) -> str:
    """A channel or key as it stands in Redis."""
    return f"{settings.REDIS_PREFIX}{text}"


def ask(work: Callable[[redis.Redis], T], otherwise: T) -> T:
    """What `work` makes of the connection; `otherwise` without Redis, or when it cannot be reached or refuses."""
    if not settings.REDIS_URL or not connection.may_ask():
        return otherwise
    try:
        answer = work(get_redis_connection("default"))
    except redis.ResponseError as error:
        connection.find()
        connection.refuse(error)
        return otherwise
    except (redis.RedisError, OSError) as error:
        connection.lose(error)
        return otherwise
    connection.find()
    return answer


def state() -> State:
    """Asked now, unless Redis is known to be away."""
    if not settings.REDIS_URL:
        return "off"
    return "ok" if ask(lambda client: bool(client.ping()), otherwise=False) else "unreachable"


def publish(channel: str, bodies: Iterable[dict[str, Any]], source: str, kind: Kind = "publish") -> int:
    """Send one message a body, each with its line in the log; answers how many went out.

    A log that cannot be written (Redis is full) keeps no message back.
    """
    messages = [(JSON.encode(body), summary(body)) for body in bodies]

    def send(client: redis.Redis) -> int:
        pipe = client.pipeline(transaction=False)
        for text, words in messages:
            pipe.publish(name(channel), text)
            add(pipe, Entry(kind, channel, source, words, len(text)))
        return sum(isinstance(answer, int) for answer in settle(pipe)[::2])

    return ask(send, 0) if messages else 0


def summary(body: dict[str, Any]) -> str:
    """`asset=USD rows=2`: the plain values of a message."""
    return " ".join(f"{key}={value}" for key, value in body.items() if not isinstance(value, dict | list))


def note(*entries: Entry) -> None:
    """Lines of the message log."""

    def send(client: redis.Redis) -> None:
        pipe = client.pipeline(transaction=False)
        for entry in entries:
            add(pipe, entry)
        settle(pipe)

    if entries:
        ask(send, None)


def note_error(channel: str, source: str, words: str) -> None:
    """One line for a failure; `words` are without secrets already."""
    note(Entry("error", channel, source, words, len(words.encode())))


def add(pipe: Any, entry: Entry) -> None:
    pipe.xadd(name(LOG), entry.fields(), maxlen=LOG_LENGTH, approximate=True)


def settle(pipe: Any) -> list[Any]:
    """The answers of a pipeline, refusals among them: one command that is refused spoils no other."""
    answers: list[Any] = pipe.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, Exception):
            connection.refuse(answer)
            break
    return answers
