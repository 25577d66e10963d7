"""The shapes of questions and answers about corrections, and about figures that operators set."""

from datetime import date, datetime
from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

from markets.api.as_of import Since
from markets.api.schemas import Code, Day, Digits, Whole

TableName = Literal["A", "B", "C", "gold", "eurofxref"]
# No exponent, no sign: what a publication could say. The store refuses what both databases could not keep.
Typed = Annotated[str, Field(pattern=r"^[0-9]{1,10}(\.[0-9]{1,10})?$")]
MAX_ID = 2**63 - 1
SHA256 = "9609df3006d65b7b440d371e13a47fdf6005d1cfcb1eaf1f4b0319226a71518e"


class RevisionQuery(Schema):
    code: Code | None = Field(
        None, description="Only this instrument; code or alias: USD, XAU, gold.", json_schema_extra={"example": "USD"}
    )
    source: Code | None = Field(
        None,
        description="Only where this source gave one of the two values (see /sources); nothing manual.",
        json_schema_extra={"example": "nbp"},
    )
    table: TableName | None = Field(None, description="Only figures of this table.", json_schema_extra={"example": "A"})
    from_: Day | None = Field(
        None,
        alias="from",
        description="First day of the figure, inclusive.",
        json_schema_extra={"example": "2026-10-01"},
    )
    to: Day | None = Field(
        None, description="Last day of the figure, inclusive.", json_schema_extra={"example": "2026-10-26"}
    )
    seen_from: Since | None = Field(
        None,
        description="Only what was seen at this moment or later: ISO 8601 with a zone, or a day in Warsaw.",
        json_schema_extra={"example": "2026-10-20T10:00:00Z"},
    )


class Side(Schema):
    mid: Digits | None = Field(description="Mid rate with its published digits.", examples=["3.9350"])
    bid: Digits | None = Field(description="The bank buys (table C), else null.", examples=[None])
    ask: Digits | None = Field(description="The bank sells (table C), else null.", examples=[None])
    source: str = Field(description="Who gave it (see /sources); `manual` of an operator's.", examples=["nbp"])
    table_no: str | None = Field(
        description="Number of the publication; null for figures of an archive.", examples=["022/A/NBP/2024"]
    )
    sha256: str | None = Field(
        description="Of the exact bytes of the published table; null where there is no publication.", examples=[SHA256]
    )


class SetBy(Schema):
    author: str = Field(description="The account or token that set it.", examples=["anna"])
    reason: str = Field(description="Why, in the author's words.", examples=["Misprint, the NBP was told"])
    at: datetime = Field(description="When it was set, UTC.", examples=["2026-10-26T10:00:00Z"])


class RevisionItem(Schema):
    id: int = Field(description="Number of the row; corrections and manual figures count apart.", examples=[17])
    kind: Literal["correction", "archive_replaced", "left_out", "manual"] = Field(
        description="correction: the source gave another value; archive_replaced: the official value differs from the "
        "archive's; left_out: the table was published again without it; manual: an operator set a figure beside what "
        "was published, which stays as it is.",
        examples=["correction"],
    )
    seen_at: datetime = Field(description="When it was noticed or set, UTC.", examples=["2026-10-26T10:15:00Z"])
    code: str = Field(description="The instrument.", examples=["USD"])
    table: str = Field(description="The table.", examples=["A"])
    effective_date: date = Field(description="The day of the figure.", examples=["2026-10-26"])
    old: Side | None = Field(description="The value before; null for a manual figure.")
    new: Side = Field(description="The value since; without figures where the publication leaves it out.")
    rate: int | None = Field(description="The rate, for /provenance/rate/{id}.", examples=[4711])
    job: int | None = Field(description="The job that noticed it; null once it is pruned.", examples=[120])
    override: SetBy | None = Field(description="Who set it and why; null unless kind is manual.", examples=[None])
    withdrawn_at: datetime | None = Field(description="When a manual figure was taken back.", examples=[None])
    provenance: str = Field(description="Where it came from.", examples=["/api/v1/provenance/revision/17"])


class RevisionPage(Schema):
    items: list[RevisionItem] = Field(description="Newest first.")
    count: int = Field(description="All that match, before paging.", examples=[3])


class OverrideQuery(Schema):
    code: Code | None = Field(
        None, description="Only this instrument; code or alias.", json_schema_extra={"example": "USD"}
    )
    standing: bool | None = Field(
        None,
        description="true: only what was not withdrawn; false: only what was.",
        json_schema_extra={"example": True},
    )


class OverrideItem(Schema):
    id: int = Field(description="Number of the row.", examples=[5])
    code: str = Field(description="The instrument.", examples=["USD"])
    table: str = Field(description="The table beside whose figure it stands.", examples=["A"])
    effective_date: date = Field(description="The day of the figure.", examples=["2026-10-26"])
    mid: Digits | None = Field(description="Mid rate with the typed digits; null in table C.", examples=["3.9350"])
    bid: Digits | None = Field(description="The bank buys (table C), else null.", examples=[None])
    ask: Digits | None = Field(description="The bank sells (table C), else null.", examples=[None])
    source: Literal["manual"] = Field(description="No publisher.", examples=["manual"])
    override: SetBy = Field(description="Who set it and why.")
    withdrawn_at: datetime | None = Field(description="When it was taken back; null while it stands.", examples=[None])
    withdrawn_by: str | None = Field(description="Who took it back.", examples=[None])


class OverridePage(Schema):
    items: list[OverrideItem] = Field(description="Newest first.")
    count: int = Field(description="All that match, before paging.", examples=[1])


class OverridePath(Schema):
    id: Whole = Field(
        ge=1, le=MAX_ID, description="Number of the row, as `/overrides` lists it.", json_schema_extra={"example": 5}
    )


class NewOverride(Schema):
    model_config = ConfigDict(extra="forbid")

    code: Code = Field(description="The instrument by its code or an alias.", json_schema_extra={"example": "USD"})
    table: TableName = Field(description="The table beside whose figure it stands.", json_schema_extra={"example": "A"})
    effective_date: Day = Field(description="The day of the figure.", json_schema_extra={"example": "2026-10-23"})
    mid: Typed | None = Field(
        None, description="In every table but C, a string with all its digits.", json_schema_extra={"example": "3.9350"}
    )
    bid: Typed | None = Field(None, description="In table C.", json_schema_extra={"example": None})
    ask: Typed | None = Field(None, description="In table C, not below `bid`.", json_schema_extra={"example": None})
    reason: Annotated[str, Field(min_length=3, max_length=300)] = Field(
        description="Why; everybody can read it.", json_schema_extra={"example": "Misprint, the NBP was told"}
    )
