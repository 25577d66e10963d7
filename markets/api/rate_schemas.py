"""The shapes of questions and answers about rates beyond one series: several codes, bases, fills, groups, columns."""

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import AfterValidator

from markets.api.schemas import MAX_LIMIT, Day, Digits, Paging, Whole

LONGEST_CODE, MOST_CODES = 32, 50


def code_list(text: str) -> str:
    """One code, or several with commas between them; each is looked up later."""
    parts = text.split(",")
    if any(len(part) > LONGEST_CODE for part in parts):
        raise ValueError(f"must not be longer than {LONGEST_CODE} characters")
    if len(parts) > MOST_CODES:
        raise ValueError(f"must not name more than {MOST_CODES} codes")
    if len(parts) > 1 and not all(part.strip() for part in parts):
        raise ValueError("names an empty code")
    return text


Codes = Annotated[str, Field(min_length=1, max_length=800), AfterValidator(code_list)]
OneCode = Annotated[str, Field(min_length=1, max_length=LONGEST_CODE)]


def split(text: str | None) -> list[str]:
    return text.split(",") if text else []


class FillQuery(Schema):
    date: Day | None = Field(
        None, description="One day, instead of a period: it has one row, whatever was published.",
        json_schema_extra={"example": "2024-01-31"},
    )  # fmt: skip
    fill: Literal["none", "previous", "next"] | None = Field(
        None,
        description="A row for every calendar day. On a day without publication: `none` says why, `previous` takes the "
        "newest figure before it, `next` the oldest after it, at most 14 days away (table B: 21).",
        json_schema_extra={"example": "previous"},
    )


class BaseQuery(Schema):
    base: OneCode | None = Field(
        None, description="Turns the question round: one unit of this currency, priced in each `code` and in each of "
        "`quotes`. PLN is one.", json_schema_extra={"example": "EUR"},
    )  # fmt: skip
    quotes: Codes | None = Field(
        None, description="The currencies to price in, with commas between them; without it PLN.",
        json_schema_extra={"example": "EUR,USD"},
    )  # fmt: skip
    expand: Annotated[str, Field(max_length=6, pattern="^source$")] | None = Field(
        None, description="`source`: each row has its source's name, attribution, licence and address.",
        json_schema_extra={"example": "source"},
    )  # fmt: skip


class ShapeQuery(Schema):
    group: Literal["week", "month"] | None = Field(
        None, description="A row for each week (Monday to Sunday) or month: the last figure published in it, and the "
        "lowest, highest and mean.", json_schema_extra={"example": "month"},
    )  # fmt: skip
    shape: Literal["rows", "columns"] = Field(
        "rows", description="`columns`: `items` is one object with an array for each field, a quarter of the bytes; a "
        "field that is the same in all rows is there once, as itself.", json_schema_extra={"example": "columns"},
    )  # fmt: skip


class RateQuery(ShapeQuery, BaseQuery):
    code: Codes = Field(
        description="ISO code of the currency, or an alias: USD, usd, USD/PLN. Several have commas between them.",
        json_schema_extra={"example": "USD"},
    )
    table: Literal["A", "B", "C", "eurofxref"] | None = Field(
        None,
        description="Only the figures of this table. A and B hold mids, C holds bid and ask, eurofxref the ECB's. "
        "Without it: the one canonical mid of each day, table A before table B, or what the named source publishes.",
        json_schema_extra={"example": "A"},
    )


class LatestQuery(BaseQuery):
    code: Codes | None = Field(
        None, description="One or more currencies, with commas between them; without it all that the newest tables "
        "have.", json_schema_extra={"example": "USD,EUR"},
    )  # fmt: skip
    table: Literal["A", "B", "C", "eurofxref"] | None = Field(
        None, description="Only the figures of this table.", json_schema_extra={"example": "A"}
    )
    source: OneCode | None = Field(
        None, description="Only the figures of this source (see /sources).", json_schema_extra={"example": "nbp"}
    )


class AllAtOnce(Paging):
    limit: Whole = Field(
        1000, ge=1, le=MAX_LIMIT, description="How many items to send.", json_schema_extra={"example": 1000}
    )


class SourceFacts(Schema):
    code: str = Field(description="As /sources has it.", examples=["nbp"])
    name: str = Field(description="Who publishes.", examples=["Narodowy Bank Polski"])
    attribution: str = Field(description="What to print beside its figures.", examples=["Źródło: NBP"])
    licence: str = Field(description="On what terms.", examples=["Informacja publiczna"])
    url: str = Field(description="Its page.", examples=["https://nbp.pl/"])


class RateItem(Schema):
    code: str = Field(description="The instrument.", examples=["USD"])
    base: str = Field(description="What is priced.", examples=["USD"])
    quote: str = Field(description="What it is priced in.", examples=["PLN"])
    effective_date: dt.date = Field(description="The day whose rate this is.", examples=["2024-01-31"])
    mid: Digits | None = Field(description="Mid rate with its published digits; null in table C.", examples=["3.9350"])
    bid: Digits | None = Field(description="The bank buys (table C), else null.", examples=[None])
    ask: Digits | None = Field(description="The bank sells (table C), else null.", examples=[None])
    unit: Literal[1] = Field(description="Units of the base that the rate is for: always 1.", examples=[1])
    source: str | SourceFacts = Field(description="Who published it (see /sources).", examples=["nbp"])
    table: str = Field(description="The table it stands in.", examples=["A"])
    table_no: str | None = Field(
        description="Number of the publication; null for figures of the archive.", examples=["022/A/NBP/2024"]
    )


class Leg(Schema):
    code: str = Field(description="Whose figure it is: PLN for one unit, or for a gram of gold.", examples=["EUR"])
    mid: Digits | None = Field(description="As published; null in table C.", examples=["4.3434"])
    effective_date: dt.date = Field(description="The day whose rate this is.", examples=["2024-01-31"])
    source: str = Field(description="Who published it.", examples=["nbp"])
    table: str = Field(description="The table it stands in.", examples=["A"])
    table_no: str | None = Field(
        description="Number of the publication; null for the archive.", examples=["022/A/NBP/2024"]
    )


Why = Literal[
    "future", "not_quoted", "left_table", "weekend", "holiday", "target_holiday", "not_a_table_day",
    "not_yet_published", "missing_here", "no_publication", "redenominated", "stale",
]  # fmt: skip


class Valued(Schema):
    """A pair and what it was worth."""

    code: str = Field(description="The instrument, or both codes of a computed rate.", examples=["EURUSD"])
    base: str = Field(description="What is priced.", examples=["EUR"])
    quote: str = Field(description="What it is priced in.", examples=["USD"])
    effective_date: dt.date | None = Field(
        description="The day whose figure this is; null without one.", examples=["2024-01-31"]
    )
    mid: Digits | None = Field(
        description="Mid with its published digits, or computed: 8 significant digits, half up; null if there is none.",
        examples=["1.0855429"],
    )
    bid: Digits | None = Field(description="The bank buys (table C), else null.", examples=[None])
    ask: Digits | None = Field(description="The bank sells (table C), else null.", examples=[None])
    source: str | SourceFacts | None = Field(
        description="Who published it, or all of its legs; else null.", examples=["nbp"]
    )
    table: str | None = Field(description="The table of it, or of all its legs; else null.", examples=["A"])
    table_no: str | None = Field(
        description="Number of the publication of it, or of all its legs; else null.", examples=["022/A/NBP/2024"]
    )
    derived: bool = Field(description="Whether it was computed and not published.", examples=[True])
    legs: list[Leg] | None = Field(
        description="The published figures that it was computed from, of one day; null where it was published.",
        examples=[[]],
    )
    unit: Literal[1] = Field(description="Units of the base that the rate is for: always 1.", examples=[1])


class Explained(Valued):
    stale: bool = Field(description="Whether this is an old number: a newer one should be here.", examples=[False])
    reason: Why | None = Field(
        description="Why nothing was published on the asked day, or why the newest figure is old or gone; else null.",
        examples=["weekend"],
    )
    reason_name: str | None = Field(
        description="The holiday in Polish, or the last day of what left its table.", examples=["Boże Narodzenie"]
    )


class DatedRate(Explained):
    date: dt.date = Field(description="The day that was asked for.", examples=["2024-01-31"])
    filled: bool = Field(description="Whether the figure is that of another day.", examples=[False])


class GroupedRate(Valued):
    """`mid` is the last value published in the period, of the day `effective_date`."""

    period: str = Field(description="The week as ISO 8601 numbers it, or the month.", examples=["2024-01"])
    date: dt.date = Field(description="The last day of the period.", examples=["2024-01-31"])
    min: Digits = Field(description="The lowest mid.", examples=["3.9350"])
    max: Digits = Field(description="The highest mid.", examples=["4.0450"])
    avg: Digits = Field(description="The mean of the mids: 8 significant digits, half up.", examples=["3.9927909"])
    days: int = Field(description="Mids in the period, of one unit of money.", examples=[22])
    partial: bool = Field(
        description="Whether only a part of the period was asked for, or has passed.", examples=[False]
    )


Columns = Annotated[
    dict[str, Any],
    Field(description="With shape=columns: an array for each field, or its value where it is the same in all rows."),
]


class RatePage(Schema):
    items: list[RateItem | DatedRate | GroupedRate] | Columns = Field(
        description="Ascending by date. Rows of one currency as it was published have the short shape; those of "
        "several codes, another base, a `date` or a `fill` say more, and so do those of a `group`."
    )
    count: int = Field(description="All that match, before paging.", examples=[22])


class LatestPage(Schema):
    items: list[Explained] = Field(description="Sorted by code, or in the order of the question.")
    count: int = Field(description="All that match, before paging.", examples=[33])


class GoldQuery(Schema):
    unit: Literal["g", "kg", "oz"] | None = Field(
        None,
        description="Of how much: a gram (as the NBP publishes it), a kilogram, or a troy ounce of 31.1034768 g.",
        json_schema_extra={"example": "oz"},
    )
    currency: OneCode | None = Field(
        None, description="In which currency of the NBP; without it PLN.", json_schema_extra={"example": "USD"}
    )


class GoldItem(Schema):
    effective_date: dt.date = Field(description="The day whose price this is.", examples=["2024-01-31"])
    price: Digits = Field(
        description="PLN for one gram of gold, 1000 fine, with its published digits.", examples=["262.18"]
    )
    unit: Literal["g"] = Field(description="The gram.", examples=["g"])
    source: str = Field(description="Who published it (see /sources).", examples=["nbp"])


class DatedGold(Schema):
    effective_date: dt.date | None = Field(
        description="The day whose price this is; null without one.", examples=["2024-01-31"]
    )
    date: dt.date = Field(description="The day that was asked for.", examples=["2024-01-31"])
    price: Digits | None = Field(
        description="For one `unit` in `currency`; computed in another currency: 8 significant digits, half up.",
        examples=["2031.5519"],
    )
    unit: Literal["g", "kg", "oz"] = Field(description="How much gold the price is for.", examples=["oz"])
    currency: str = Field(description="What it is priced in.", examples=["USD"])
    source: str | None = Field(description="Who published it, or all of its legs; else null.", examples=["nbp"])
    filled: bool = Field(description="Whether the price is that of another day.", examples=[False])
    stale: bool = Field(description="Whether this is an old number: a newer one should be here.", examples=[False])
    reason: Why | None = Field(
        description="Why nothing was published on the asked day; else null.", examples=["weekend"]
    )
    reason_name: str | None = Field(description="The holiday in Polish.", examples=["Boże Narodzenie"])
    derived: bool = Field(description="Whether it was computed and not published.", examples=[True])
    legs: list[Leg] | None = Field(
        description="The published figures that it was computed from, of one day; null where it was published.",
        examples=[[]],
    )


class GoldPage(Schema):
    items: list[GoldItem | DatedGold] = Field(
        description="Ascending by date. As it was published, rows have the short shape; with a `unit`, a `currency`, a "
        "`date` or a `fill` they say more."
    )
    count: int = Field(description="All that match, before paging.", examples=[22])
