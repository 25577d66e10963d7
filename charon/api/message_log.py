"""The message log, read: all of it for operators, counts alone for everybody else."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any, Literal, TypedDict

import redis
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema
from pydantic import AwareDatetime

from markets.access import operator
from markets.api.responses import page, private, reply
from markets.api.schemas import COMMON_ERRORS, Envelope
from markets.redis import client as redis_client

router = Router(tags=["status"])

# How many entries one question to Redis brings: a filter that finds little reads the whole log in eleven.
CHUNK = 1000
MAX_LINES = 1000
# What a page tells of the log: the newest lines to operators, counts over so many to everybody.
SHOWN = 50
COUNTED = 1000
# A gigabyte in digits; nothing in Redis is larger than half of it.
LONGEST_SIZE = 10

Type = Literal["publish", "cache_write", "cache_read", "signal", "trade", "error"]
Source = Literal["market-data", "ta-service", "dashboard", "trader-bot"]
OPERATORS_ONLY = {401: Envelope, 403: Envelope}


class Row(TypedDict):
    id: str
    type: str
    channel: str
    source: str
    summary: str
    payload_size: int
    timestamp: datetime | None


class Line(Schema):
    id: str = Field(description="The entry's id in the stream.", examples=["1706698512000-0"])
    type: str = Field(description="What was done.", examples=["signal"])
    channel: str = Field(description="Channel or key, job or address that it was about.", examples=["signals.updated"])
    source: str = Field(description="Which part of Charon did it.", examples=["ta-service"])
    summary: str = Field(description="In words, or the plain values of the message.", examples=["asset=USD rows=1"])
    payload_size: int = Field(description="Size of the message in bytes.", examples=[121])
    timestamp: AwareDatetime | None = Field(
        description="When; null where another program wrote none.", examples=["2024-01-31T11:05:12Z"]
    )


class LogPage(Schema):
    items: list[Line] = Field(description="The newest first.")
    count: int = Field(description="How many items there are here.", examples=[1])
    available: bool = Field(
        description="false while Redis is off or cannot be reached: nothing is known then, and items is empty.",
        examples=[True],
    )


class LogQuery(Schema):
    limit: int = Field(
        100, ge=1, le=MAX_LINES, description="How many items to send.", json_schema_extra={"example": 100}
    )
    type: Type | None = Field(
        None,
        description="Only entries of this type; `trade` is never written.",
        json_schema_extra={"example": "signal"},
    )
    source: Source | None = Field(
        None,
        description="Only entries of this part: market-data brings figures, ta-service decides, dashboard answers; "
        "`trader-bot` never writes.",
        json_schema_extra={"example": "ta-service"},
    )


@router.get(
    "/redis/log",
    response={200: LogPage, **OPERATORS_ONLY, **COMMON_ERRORS},
    operation_id="redis_log",
    summary="Message log",
    auth=operator,
)
def redis_log(request: HttpRequest, query: Query[LogQuery]) -> HttpResponse:
    """What went through Redis, newest first: messages, signals, errors, and cache writes summed up. For operators.

    Without Redis the answer is 200 with `available` false.
    """
    rows = read(query.limit, query.type or "", query.source or "")
    return private(reply(page(rows or [], len(rows or [])) | {"available": rows is not None}))


def read(limit: int, kind: str = "", source: str = "") -> list[Row] | None:
    """The newest `limit` entries that fit; None when Redis cannot be asked."""

    def fits(row: Row) -> bool:
        return kind in {"", row["type"]} and source in {"", row["source"]}

    return redis_client.ask(lambda client: newest(client, limit, fits, CHUNK if kind or source else limit), None)


def newest(client: redis.Redis, limit: int, fits: Callable[[Row], bool], chunk: int) -> list[Row]:
    """From the end of the stream backwards, chunk by chunk, until there are enough."""
    found: list[Row] = []
    end = "+"
    while len(found) < limit:
        entries: Any = client.xrevrange(redis_client.name(redis_client.LOG), max=end, count=chunk)
        found += filter(fits, map(row_of, entries))
        if len(entries) < chunk:
            break
        end = f"({entries[-1][0].decode()}"
    return found[:limit]


def row_of(entry: tuple[bytes, dict[bytes, bytes]]) -> Row:
    """An entry as plain values, whoever wrote it: other programs may write there too, and anything."""
    number, fields = entry
    text = {key.decode(errors="replace"): value.decode(errors="replace") for key, value in fields.items()}
    size = text.get("payload_size", "")
    return {
        "id": number.decode(),
        "type": text.get("type", ""),
        "channel": text.get("channel", ""),
        "source": text.get("source", ""),
        "summary": text.get("summary", ""),
        "payload_size": int(size) if size.isascii() and size.isdigit() and len(size) <= LONGEST_SIZE else 0,
        "timestamp": moment(text.get("timestamp", "")),
    }


def moment(text: str) -> datetime | None:
    """In UTC, and within the years that can be told in any zone."""
    try:
        written = datetime.fromisoformat(text)
        told = written.astimezone(UTC) if written.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return told if told and MINYEAR < told.year < MAXYEAR else None


def place(row: Row) -> str:
    return ":".join(row["channel"].split(":")[:2]) if row["type"] == "cache_read" else row["channel"]


@dataclass(frozen=True, slots=True)
class Activity:
    """What everybody may know of the log: how much of what, and when last."""

    counts: list[tuple[str, str, int]]
    total: int
    newest: datetime | None


def activity(rows: list[Row]) -> Activity:
    """Types and channels alone: summaries may tell what went wrong inside, the key of a read what somebody asked."""
    counts = Counter((row["type"], place(row)) for row in rows)
    return Activity(
        [(*kind, count) for kind, count in counts.most_common()],
        len(rows),
        rows[0]["timestamp"] if rows else None,
    )
