"""The message log of Redis: entries for operators, counts for everybody else."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema
from pydantic import AwareDatetime

from markets.access import READ_LOG
from markets.api.export_query import Export
from markets.api.operator import Operator
from markets.api.responses import own, page
from markets.api.schemas import COMMON_ERRORS, Whole
from markets.redis import client as redis_client
from markets.redis import pubsub

if TYPE_CHECKING:
    import redis

router = Router(tags=["status"])

# The entries of one request to Redis: a filter that matches little reads the whole log in eleven requests.
CHUNK = 1000
MAX_LINES = 1000
# The status page shows the newest entries (SHOWN) to operators, and counts over COUNTED entries to everybody.
SHOWN = 50
COUNTED = 1000
# The digits of a gigabyte; a value in Redis has 512 MB at most.
LONGEST_SIZE = 10

Type = Literal["publish", "cache_write", "cache_read", "signal", "trade", "error"]
Source = Literal["market-data", "ta-service", "dashboard", "trader-bot"]


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


class LogQuery(Export):
    limit: Whole = Field(
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
    response={200: LogPage, **COMMON_ERRORS},
    operation_id="redis_log",
    summary="Message log",
    auth=Operator(*READ_LOG),
)
def redis_log(request: HttpRequest, query: Query[LogQuery]) -> HttpResponse:
    """What went through Redis, newest first: messages, signals, errors, and cache writes summed up. For operators.

    `MESSAGE_LOG_DETAIL=keys` logs each write with its lifetime (`ttl=` in seconds), `reads` each read too.
    Without Redis the answer is 200 with `available` false.
    """
    rows = read(query.limit, query.type or "", query.source or "")
    return own(request, page(rows or [], len(rows or [])) | {"available": rows is not None})


def read(limit: int, kind: str = "", source: str = "") -> list[Row] | None:
    """The newest `limit` entries that match; None when Redis cannot be reached."""

    def fits(row: Row) -> bool:
        return kind in {"", row["type"]} and source in {"", row["source"]}

    return redis_client.ask(lambda client: newest(client, limit, fits, CHUNK if kind or source else limit), None)


def newest(client: "redis.Redis", limit: int, fits: Callable[[Row], bool], chunk: int) -> list[Row]:
    """The newest matching entries, read backwards from the end of the stream in chunks."""
    found: list[Row] = []
    end = "+"
    while len(found) < limit:
        entries: Any = client.xrevrange(redis_client.name(pubsub.LOG), max=end, count=chunk)
        found += filter(fits, map(row_of, entries))
        if len(entries) < chunk:
            break
        end = f"({entries[-1][0].decode()}"
    return found[:limit]


def row_of(entry: tuple[bytes, dict[bytes, bytes]]) -> Row:
    """An entry as plain values; robust, since other programs may write anything to the stream."""
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
    """The time in UTC; None if malformed, naive, or in a year that would overflow in another time zone."""
    try:
        written = datetime.fromisoformat(text)
        utc = written.astimezone(UTC) if written.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return utc if utc and MINYEAR < utc.year < MAXYEAR else None


def place(row: Row) -> str:
    """The kind of a key: the whole of it is a client's question, and one of hundreds."""
    is_key = row["type"] == "cache_read" or (row["type"] == "cache_write" and "*" not in row["channel"])
    return ":".join(row["channel"].split(":")[:2]) if is_key else row["channel"]


@dataclass(frozen=True, slots=True)
class Activity:
    """The public view of the log: counts by type and channel, and the time of the newest entry."""

    counts: list[tuple[str, str, int]]
    total: int
    newest: datetime | None


def activity(rows: list[Row]) -> Activity:
    """Counts by type and channel only: summaries may show internal errors, and a read key a client's request."""
    counts = Counter((row["type"], place(row)) for row in rows)
    return Activity(
        [(*kind, count) for kind, count in counts.most_common()],
        len(rows),
        rows[0]["timestamp"] if rows else None,
    )
