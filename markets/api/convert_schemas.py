"""The shapes of the question and the answer of /convert."""

import datetime as dt
import re
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import AfterValidator

from markets.api.rate_parameters import OneCode
from markets.api.rate_schemas import RateLeg, Why
from markets.api.schemas import Day, Digits

# What a column of money keeps on both databases, and a double in a spreadsheet as well.
MOST_DIGITS = 15


def plain_amount(text: str) -> str:
    """ASCII digits with a point; Python would also take those of other scripts, exponents and underscores."""
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise ValueError("is not an amount; write digits with a point, for example 1500.50")
    if sum(sign.isdigit() for sign in text) > MOST_DIGITS:
        raise ValueError(f"must not have more than {MOST_DIGITS} digits")
    return text


class ConvertQuery(Schema):
    amount: Annotated[str, Field(min_length=1, max_length=32), AfterValidator(plain_amount)] = Field(
        description="Digits with a point, at most 15 of them.", json_schema_extra={"example": "1500.50"}
    )
    from_: OneCode = Field(
        alias="from", description="The currency of it, or XAU.", json_schema_extra={"example": "USD"}
    )
    to: OneCode = Field(description="The currency of the result, or XAU.", json_schema_extra={"example": "PLN"})
    date: Day | None = Field(
        None, description="The day; without it today in Warsaw.", json_schema_extra={"example": "2024-01-31"}
    )
    day: Literal["D0", "D-1"] | None = Field(
        None,
        description="D0: the newest rate of that day or before, which is the default. D-1: the newest one strictly "
        "before it.",
        json_schema_extra={"example": "D-1"},
    )
    unit: Literal["g", "kg", "oz"] | None = Field(
        None, description="How much gold one XAU is; needed with XAU.", json_schema_extra={"example": "oz"}
    )
    rule: OneCode | None = Field(
        None, description="A rule of /tax-rules, which chooses the rate; `date` is the day that it speaks of.",
        json_schema_extra={"example": "pit"},
    )  # fmt: skip


class Conversion(Schema):
    amount: Digits = Field(description="As it was asked for.", examples=["1500.50"])
    from_: str = Field(alias="from", description="The currency of it.", examples=["USD"])
    to: str = Field(description="The currency of the result.", examples=["PLN"])
    unit: Literal["g", "kg", "oz"] | None = Field(description="How much gold one XAU is.", examples=[None])
    rate: Digits | None = Field(
        description="For one of `from`: the published digits, or computed: 8 significant digits, half up.",
        examples=["4.0135"],
    )
    result: Digits = Field(
        description="Of the exact amount and the published figures, rounded once.", examples=["6022.26"]
    )
    rounding: str = Field(description="How: to the cent, or gold to 8 significant digits.", examples=["half_up_0.01"])
    effective_date: dt.date | None = Field(description="The day whose rate this is.", examples=["2024-01-31"])
    source: str | None = Field(description="Who published it, or all of its legs; else null.", examples=["nbp"])
    table: str | None = Field(description="The table of it, or of all its legs; else null.", examples=["A"])
    table_no: str | None = Field(
        description="Number of the publication of it, or of all its legs; else null.", examples=["022/A/NBP/2024"]
    )
    derived: bool = Field(description="Whether the rate was computed and not published.", examples=[False])
    legs: list[RateLeg] | None = Field(
        description="The published figures that it was computed from, of one day; null where it was published.",
        examples=[None],
    )
    filled: bool = Field(description="Whether the rate is of an earlier day than was asked for.", examples=[False])
    stale: bool = Field(description="Whether it is an old number: a newer one should be here.", examples=[False])
    reason: Why | None = Field(description="Why nothing was published on that day; else null.", examples=[None])
    reason_name: str | None = Field(description="The holiday in Polish.", examples=[None])
    day: Literal["D0", "D-1"] | None = Field(description="Null where a rule chose the day.", examples=["D0"])
    tax: dict[str, Any] | None = Field(
        description="With a `rule`: the whole answer of /tax-rate, with its reasons and warnings.", examples=[None]
    )
    date: dt.date | None = Field(description="The day that was asked for.", examples=["2024-01-31"])
