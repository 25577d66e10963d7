"""The shapes of answers about rates: one series, several codes, filled days, groups, columns."""

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Field, Schema

from markets.api.revision_schemas import SetBy
from markets.api.schemas import Digits


class PublisherFacts(Schema):
    code: str = Field(description="As /sources has it.", examples=["nbp"])
    name: str = Field(description="Who publishes.", examples=["Narodowy Bank Polski"])
    attribution: str = Field(description="What to print beside its figures.", examples=["Źródło: NBP"])
    licence: str = Field(description="On what terms.", examples=["Informacja publiczna"])
    url: str = Field(description="Its page.", examples=["https://nbp.pl/"])


class KnownFrom(Schema):
    known_from: dt.datetime | None = Field(
        None, description="Only with `as_of`: since when this value was known, UTC; of a computed one, all its legs.",
        examples=["2024-01-31T10:47:12Z"],
    )  # fmt: skip


class Proven(KnownFrom):
    provenance: str | None = Field(
        None, description="Only with `expand=source`: where this figure came from; null for what was computed.",
        examples=["/api/v1/provenance/rate/4711"],
    )  # fmt: skip
    publication: str | None = Field(
        None, description="Only with `expand=source`: its document; null for the archive and with `as_of`.",
        examples=["/api/v1/provenance/publication/123"],
    )  # fmt: skip


class RateItem(Schema):
    code: str = Field(description="The instrument.", examples=["USD"])
    base: str = Field(description="What is priced.", examples=["USD"])
    quote: str = Field(description="What it is priced in.", examples=["PLN"])
    effective_date: dt.date = Field(description="The day whose rate this is.", examples=["2024-01-31"])
    mid: Digits | None = Field(description="Mid rate with its published digits; null in table C.", examples=["3.9350"])
    bid: Digits | None = Field(description="The bank buys (table C), else null.", examples=[None])
    ask: Digits | None = Field(description="The bank sells (table C), else null.", examples=[None])
    unit: Literal[1] = Field(description="Units of the base that the rate is for: always 1.", examples=[1])
    source: str | PublisherFacts = Field(description="Who published it (see /sources).", examples=["nbp"])
    table: str = Field(description="The table it stands in.", examples=["A"])
    table_no: str | None = Field(
        description="Number of the publication; null for figures of the archive.", examples=["022/A/NBP/2024"]
    )


class RateLeg(Schema):
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
    source: str | PublisherFacts | None = Field(
        description="Who published it, or all of its legs; else null.", examples=["nbp"]
    )
    table: str | None = Field(description="The table of it, or of all its legs; else null.", examples=["A"])
    table_no: str | None = Field(
        description="Number of the publication of it, or of all its legs; else null.", examples=["022/A/NBP/2024"]
    )
    derived: bool = Field(description="Whether it was computed and not published.", examples=[True])
    legs: list[RateLeg] | None = Field(
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


# Beside the fields of an item those that were asked for. Kinds of their own: they are the last columns of a file.
class ToldRate(Proven, RateItem):
    """With `as_of`, `expand=source` or `overrides=1`."""

    override: SetBy | None = Field(
        None, description="Only with `overrides=1`: who set this figure and why; null where it was published.",
        examples=[None],
    )  # fmt: skip


class ToldDatedRate(Proven, DatedRate):
    """With `as_of` or `expand=source`."""


class ToldLatest(Proven, Explained):
    """With `expand=source`."""


Columns = Annotated[
    dict[str, Any],
    Field(description="With shape=columns: an array for each field, or its value where it is the same in all rows."),
]


class RatePage(Schema):
    items: list[RateItem | DatedRate | GroupedRate | ToldRate | ToldDatedRate] | Columns = Field(
        description="Ascending by date. Rows of one currency as it was published have the short shape; those of "
        "several codes, another base, a `date` or a `fill` say more, and so do those of a `group`."
    )
    count: int = Field(description="All that match, before paging.", examples=[22])


class LatestRatePage(Schema):
    items: list[Explained | ToldLatest] = Field(description="Sorted by code, or in the order of the question.")
    count: int = Field(description="All that match, before paging.", examples=[33])
