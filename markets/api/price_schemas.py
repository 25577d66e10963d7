"""The shapes of questions and answers about prices and candles."""

import re
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import AwareDatetime, BeforeValidator

from markets.api.export_query import Export
from markets.api.schemas import COMMON_ERRORS, MAX_LIMIT, Code, Digits, Envelope, Whole

QUESTION_ERRORS = {404: Envelope, **COMMON_ERRORS}
DAY = timedelta(days=1)
# Python reads more than this: `2026-10-26x12`, `20261026T12`, weeks.
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+ -][0-9]{2}:[0-9]{2})?)?"
)
FORMS = "is not a moment; write 2026-10-26 or 2026-10-26T12:00:00Z"


def beginning(value: Any) -> datetime:
    """A moment in UTC, or the beginning of a day; of UTC unless it says otherwise."""
    if not MOMENT.fullmatch(str(value)):
        raise ValueError(FORMS)
    try:
        if len(str(value)) == len("2026-10-26"):
            return datetime.combine(date.fromisoformat(value), time(), UTC)
        moment = datetime.fromisoformat(value.replace(" ", "+"))  # a plus sign in an address means a space
        # Here, because no query can take a moment that lies outside the calendar in UTC.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(FORMS) from None


def ending(value: Any) -> datetime:
    """The same; a day is meant with all of its hours."""
    moment = beginning(value)
    last = len(str(value)) == len("2026-10-26") and moment.year < MAXYEAR
    return moment + DAY - timedelta(microseconds=1) if last else moment


Since = Annotated[datetime, BeforeValidator(beginning)]
Until = Annotated[datetime, BeforeValidator(ending)]
DAY_BAR = "The {} price of the day as its source counts it: the last 24 hours, or the UTC day."
SOURCE = "Only the figures of this source (see /sources). Without it the source that answers is in X-Source."


class PriceQuery(Schema):
    asset: Code = Field(
        description="The instrument by its code or an alias: BTC, BTCUSD, btc_usd, EUR/USD.",
        json_schema_extra={"example": "BTC"},
    )
    window: str = Field(
        "24h",
        max_length=20,
        description="How far back from now, in minutes, hours or days: 30m, 24h, 7d; 366d at most.",
        json_schema_extra={"example": "24h", "pattern": "^[0-9]{1,6}[mhd]$"},
    )
    source: Code | None = Field(None, description=SOURCE, json_schema_extra={"example": "coingecko"})


class PriceLimit(Export):
    limit: Whole = Field(
        MAX_LIMIT,
        ge=1,
        le=MAX_LIMIT,
        description="How many prices to send, the newest ones; X-Total-Count says how many the window has.",
        json_schema_extra={"example": 1000},
    )


class PricePoint(Schema):
    ts: AwareDatetime = Field(description="When the price was observed.", examples=["2026-10-26T11:59:00Z"])
    price: Digits = Field(description="The price with all its digits.", examples=["67321.50"])


class PriceSummary(Schema):
    points: int = Field(description="How many prices the window has.", examples=[288])
    first: Digits | None = Field(description="The oldest of them; null where there is none.", examples=["66900.00"])
    last: Digits | None = Field(description="The newest.", examples=["67321.50"])
    min: Digits | None = Field(description="The lowest.", examples=["66411.00"])
    max: Digits | None = Field(description="The highest.", examples=["67980.00"])
    avg: Digits | None = Field(
        description="Their arithmetic mean, rounded to the decimals of the finest price.", examples=["67102.37"]
    )


class LatestQuery(Schema):
    asset: Code | None = Field(
        None,
        description="Only this instrument, by code or alias. Without it: everything that is followed.",
        json_schema_extra={"example": "BTC"},
    )
    source: Code | None = Field(
        None, description="Only the figures of this source (see /sources).", json_schema_extra={"example": "deribit"}
    )


class LatestPrice(Schema):
    asset: str = Field(description="The instrument.", examples=["BTCUSD"])
    price: Digits = Field(description="The newest price with all its digits.", examples=["67321.50"])
    bid: Digits | None = Field(description="What buyers offer; null where the source does not say.", examples=[None])
    ask: Digits | None = Field(description="What sellers ask; null where the source does not say.", examples=[None])
    spread: Digits | None = Field(description="ask less bid; null where one of them is missing.", examples=[None])
    change24h: Digits | None = Field(description="Change of the last 24 hours in percent.", examples=["-1.4093"])
    daily_open: Digits | None = Field(description=DAY_BAR.format("first"), examples=["67102.10"])
    daily_high: Digits | None = Field(description=DAY_BAR.format("highest"), examples=["67980.00"])
    daily_low: Digits | None = Field(description=DAY_BAR.format("lowest"), examples=["66411.00"])
    daily_close: Digits | None = Field(description=DAY_BAR.format("last"), examples=["67321.50"])
    daily_volume: Digits | None = Field(
        description="What was traded of it, in the base; null where the source has no bar of the day.",
        examples=["812.4"],
    )
    ts: AwareDatetime = Field(
        description="When the price was observed; the beginning of its day for an official rate.",
        examples=["2026-10-26T11:59:00Z"],
    )
    source: str = Field(description="Who said the price (see /sources).", examples=["deribit"])
    filled_from: dict[Literal["bid_ask", "change24h", "daily"], str] = Field(
        description="What `source` does not say, and the best fresh source that it comes from instead; `daily` is the "
        "bar of the day as a whole.",
        examples=[{"change24h": "coingecko"}],
    )
    stale: bool = Field(description="Whether the source should have said something newer by now.", examples=[False])
    end_of_day: bool = Field(
        description="Whether it is the close of a day or an official rate, not a price of this moment.",
        examples=[False],
    )


class LatestPage(Schema):
    items: list[LatestPrice] = Field(description="Sorted by code.")
    count: int = Field(description="All that match, before paging.", examples=[29])


class CandleQuery(Export):
    symbol: Code = Field(
        description="The instrument by its code or an alias.", json_schema_extra={"example": "BTCUSDT"}
    )
    timeframe: Literal["5m", "1h", "4h", "1d"] = Field(
        description="How long a candle lasts.", json_schema_extra={"example": "1h"}
    )
    limit: Whole = Field(
        200, ge=1, le=MAX_LIMIT, description="How many candles to send.", json_schema_extra={"example": 200}
    )
    from_: Since | None = Field(
        None,
        alias="from",
        description="First moment, inclusive: the oldest candles from there on are sent. Without it the newest are.",
        json_schema_extra={"example": "2026-10-26T00:00:00Z"},
    )
    to: Until | None = Field(
        None,
        description="Last moment at which a candle may begin, inclusive; of a day its last one.",
        json_schema_extra={"example": "2026-10-26"},
    )
    source: Code | None = Field(None, description=SOURCE, json_schema_extra={"example": "binance"})


class CandleItem(Schema):
    t: AwareDatetime = Field(description="When it begins.", examples=["2026-10-26T11:00:00Z"])
    o: Digits = Field(description="Open.", examples=["67102.10"])
    h: Digits = Field(description="High.", examples=["67480.00"])
    l: Digits = Field(description="Low.", examples=["66990.50"])  # noqa: E741  what everybody calls it
    c: Digits = Field(description="Close.", examples=["67321.50"])
    v: Digits | None = Field(description="Volume in the base; null where it was made of prices.", examples=["1.204"])
    closed: bool = Field(description="False while it may still change.", examples=[True])
    synthetic: bool = Field(description="No trade is known in it: carried on, or made of prices.", examples=[False])
    partial: bool = Field(
        description="Charon made it of prices or shorter candles that do not fill its time.", examples=[False]
    )


class CandlePage(Schema):
    items: list[CandleItem] = Field(description="Ascending by time.")
    count: int = Field(
        description="All that match from `from` on, before the limit; without `from` those that are sent.",
        examples=[200],
    )
