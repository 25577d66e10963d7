"""The parameters of questions about rates: codes, bases, days to fill, and the shape of the answer."""

from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import AfterValidator

from markets.api.as_of import AsOf
from markets.api.schemas import MAX_LIMIT, Day, Paging, Whole

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
    as_of: AsOf | None = Field(
        None, description="Which figures were known at this moment, and as what: ISO 8601 with a zone, or a day, "
        "which is meant until its end in Warsaw. Each row says since when its value was known. Not with `date`, `fill` "
        "and `group`.",
        json_schema_extra={"example": "2026-10-26T10:00:00Z"},
    )  # fmt: skip
    overrides: Literal["0", "1"] | None = Field(
        None, description="`1`: also what an operator set beside the figures of this one currency, after the published "
        "row of its day, with `source` manual and `override`. Without it only what was published.",
        json_schema_extra={"example": "1"},
    )  # fmt: skip
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


class LatestRatesQuery(BaseQuery):
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
