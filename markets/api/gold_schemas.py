"""The shapes of the question and the answer of /gold."""

import datetime as dt
from typing import Literal

from ninja import Field, Schema

from markets.api.as_of import AsOf
from markets.api.rate_parameters import OneCode
from markets.api.rate_schemas import KnownFrom, RateLeg, Why
from markets.api.schemas import Digits


class GoldQuery(Schema):
    unit: Literal["g", "kg", "oz"] | None = Field(
        None,
        description="Of how much: a gram (as the NBP publishes it), a kilogram, or a troy ounce of 31.1034768 g.",
        json_schema_extra={"example": "oz"},
    )
    currency: OneCode | None = Field(
        None, description="In which currency of the NBP; without it PLN.", json_schema_extra={"example": "USD"}
    )
    as_of: AsOf | None = Field(
        None, description="Which prices were known at this moment, and as what: ISO 8601 with a zone, or a day, "
        "which is meant until its end in Warsaw. Not with `date` and `fill`.",
        json_schema_extra={"example": "2026-10-26T10:00:00Z"},
    )  # fmt: skip


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
    legs: list[RateLeg] | None = Field(
        description="The published figures that it was computed from, of one day; null where it was published.",
        examples=[[]],
    )


class ToldGold(KnownFrom, DatedGold):
    """With `as_of`."""


class GoldPage(Schema):
    items: list[GoldItem | DatedGold | ToldGold] = Field(
        description="Ascending by date. As it was published, rows have the short shape; with a `unit`, a `currency`, a "
        "`date` or a `fill` they say more."
    )
    count: int = Field(description="All that match, before paging.", examples=[22])
