"""The records that a provider returns: tables, prices and candles as published, before validation."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import msgspec

# How urgent it is to know a price: the batch brings the critical ones at each run.
CRITICAL, HIGH, MEDIUM, LOW = 1, 2, 3, 4


class RateRecord(msgspec.Struct, frozen=True, gc=False):
    """One rate of a table: PLN for one unit of `code`. A value that could not be parsed sets `fault`.

    A struct takes a fifth of the time of a frozen dataclass, and a history has hundreds of thousands of rates.
    """

    code: str
    mid: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    name: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One publication of one day. `sha256` is empty where there are no published bytes (the archive).

    `fault`: why nothing of this day may be stored. `until`: with a fault whose day could not be read, the last day that
    it can be of; the first is `effective_date`.
    """

    table: str
    effective_date: date
    rates: list[RateRecord]
    number: str = ""
    trading_date: date | None = None
    url: str = ""
    sha256: str = ""
    kind: str = field(default="currency")
    fault: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """A market price at one time, under the provider's own `ticker`; a missing value is None, never 0.

    `change` is the change of the last 24 hours in percent. `end_of_day` marks the close of the day before, for API
    plans without newer prices.
    """

    ticker: str
    price: Decimal
    observed_at: datetime
    bid: Decimal | None = None
    ask: Decimal | None = None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    volume: Decimal | None = None
    change: Decimal | None = None
    end_of_day: bool = False


class Bar(msgspec.Struct, frozen=True, gc=False):
    """One candle as fetched; it is closed when `close_time` is past."""

    ticker: str
    timeframe: str
    open_time: datetime
    close_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trades: int = 0


class Listed(msgspec.Struct, frozen=True, gc=False):
    """One line of what a source lists: its own ticker, and what is priced (`base`) in what (`quote`).

    `name` is the name of the base in English; `kind` is `crypto`, `metal` or `pair`. Both are empty where the source
    does not say.
    """

    ticker: str
    base: str
    quote: str
    name: str = ""
    kind: str = ""
    priority: int = MEDIUM

    @property
    def code(self) -> str:
        """Our code of the instrument."""
        return f"{self.base}{self.quote}"
