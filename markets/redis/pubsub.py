"""Messages to the channels of Redis, each with an entry in the message log."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from django.conf import settings

from markets import clock
from markets.redis import client as redis_client

if TYPE_CHECKING:
    import redis

Kind = Literal["publish", "cache_write", "cache_read", "signal", "error"]
# Decimals become JSON numbers with every digit that the source gave.
JSON = msgspec.json.Encoder(decimal_format="number")
LOG = "redis:message_log"
LOG_LENGTH = 10_000
SUMMARY_LENGTH = 500
# What MESSAGE_LOG_DETAIL may be: each level logs what the one before does, and more.
DETAILS = ("cycles", "keys", "reads")


@dataclass(slots=True)
class Entry:
    """One entry of the message log; `source` is market-data (miner, pulse), ta-service (brain) or dashboard (web)."""

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


def publish(channel: str, bodies: Iterable[dict[str, Any]], source: str, kind: Kind = "publish") -> int:
    """Publish one message per body, each with an entry in the message log; returns how many were sent.

    A message is sent even when its log entry cannot be written, because Redis is full.
    """
    messages = [(JSON.encode(body), summary(body)) for body in bodies]

    def send(client: "redis.Redis") -> int:
        pipe = client.pipeline(transaction=False)
        for message, text in messages:
            pipe.publish(redis_client.name(channel), message)
            add(pipe, Entry(kind, channel, source, text, len(message)))
        return sum(isinstance(answer, int) for answer in redis_client.settle(pipe)[::2])

    return redis_client.ask(send, 0) if messages else 0


def summary(body: dict[str, Any]) -> str:
    """The scalar values of a message as text: `asset=USD rows=2`."""
    return " ".join(f"{key}={value}" for key, value in body.items() if not isinstance(value, dict | list))


def logs(detail: str) -> bool:
    """Whether the message log shall hold this much: `keys` is each write with its lifetime, `reads` each read too."""
    return DETAILS.index(settings.MESSAGE_LOG_DETAIL) >= DETAILS.index(detail)


def note(*entries: Entry) -> None:
    """Append entries to the message log."""

    def send(client: "redis.Redis") -> None:
        pipe = client.pipeline(transaction=False)
        for entry in entries:
            add(pipe, entry)
        redis_client.settle(pipe)

    if entries:
        redis_client.ask(send, None)


def note_error(channel: str, source: str, text: str) -> None:
    """Append one entry for a failure; `text` must be without secrets already (`runs.scrub`)."""
    note(Entry("error", channel, source, text, len(text.encode())))


def add(pipe: Any, entry: Entry) -> None:
    pipe.xadd(redis_client.name(LOG), entry.fields(), maxlen=LOG_LENGTH, approximate=True)
