"""What is read to tell what was known of a figure: its row, its corrections, the readings of archives."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple


class KnownRate(NamedTuple):
    """A figure as it was known: the columns of `queries.rates.COLUMNS`, and since when this value was known."""

    effective_date: date
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    scale: int
    source: str
    table: str
    number: str
    known_from: datetime


class Said(NamedTuple):
    """A value that a figure had, and who gave it."""

    is_shown: bool
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    scale: int
    source: str
    number: str


class Reading(NamedTuple):
    source: int
    official: int | None
    code: str
    from_day: date
    to_day: date
    last_rate: int
    read_at: datetime
    edition: str
    is_shown: bool


class Change(NamedTuple):
    """A correction, and the value that it replaced: the fields of Said."""

    rate: int
    seen_at: datetime
    is_shown: bool
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    scale: int
    source: str
    number: str


class Held(NamedTuple):
    """The row of today."""

    id: int
    instrument: int
    source: int
    effective_date: date
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    scale: int
    code: str
    table: str
    number: str | None
    first_fetched: datetime | None
    name: str


CHANGE = (
    *("rate", "seen_at", "is_shown"),
    *("old_mid", "old_bid", "old_ask", "old_scale", "old_source__code", "old_number"),
)
HELD = (
    *("pk", "instrument", "source", "effective_date", "mid", "bid", "ask", "scale", "source__code", "table"),
    *("publication__number", "first_fetched", "instrument__code"),
)
READING = (
    *("source", "source__fallback_for", "source__code", "from_day", "to_day", "last_rate", "read_at", "edition"),
    "is_shown",
)
