"""The shapes of questions and answers about gaps."""

from datetime import date
from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import AwareDatetime, ConfigDict, StrictBool

from markets.api.schemas import Code, Day, Whole

# Of a body nobody else looks for a NUL, which PostgreSQL takes for a fault of the statement.
Name = Annotated[Code, Field(pattern=r"^[^\x00]+$")]
DayState = Literal[
    "published", "healed", "suspect", "holiday", "weekend", "not_due", "not_published", "missing", "accepted",
    "expected", "future", "outside",
]  # fmt: skip
MEANING = (
    "`published`; `healed`: brought by a job of /gaps/heal, as long as that job is kept; `suspect`: published, and a "
    "figure of it was refused; `holiday` or `weekend` of the publisher; `not_due`: not a day of this table; "
    "`not_published`: the source has nothing of it; `missing`; `accepted`: missing, and an operator has accepted it; "
    "`expected`: its hour has not come; `future`; `outside`: before the table's first day or after its last."
)


class GapQuery(Schema):
    source: Code | None = Field(None, description="Only gaps of this source.", json_schema_extra={"example": "nbp"})
    table: Code | None = Field(
        None, description="Only gaps of this table, of `candle:1h` or of `price`.", json_schema_extra={"example": "A"}
    )
    instrument: Code | None = Field(
        None, description="Only gaps of this instrument alone.", json_schema_extra={"example": "USD"}
    )
    from_: Day | None = Field(
        None,
        alias="from",
        description="Only gaps that reach to this day or beyond.",
        json_schema_extra={"example": "2024-01-01"},
    )
    to: Day | None = Field(
        None, description="Only gaps that begin on this day or before.", json_schema_extra={"example": "2024-12-31"}
    )


class DayItem(Schema):
    day: date = Field(description="The day.", examples=["2024-01-06"])
    state: DayState = Field(description=MEANING, examples=["holiday"])
    name: str | None = Field(
        description="What a holiday is called, in the publisher's language; else null.",
        examples=["Święto Trzech Króli"],
    )


class GapItem(Schema):
    id: int = Field(description="Its number.", examples=[17])
    source: str = Field(description="Who has not given it.", examples=["nbp"])
    table: str = Field(description="A table, `candle:` with a timeframe, or `price`.", examples=["A"])
    instrument: str | None = Field(description="What alone is missing; null: the whole table.", examples=[None])
    from_: str = Field(
        alias="from",
        description="The first missing day; of candles the moment at which the first one opens.",
        examples=["2024-01-05"],
    )
    to: str = Field(description="The last one, inclusive.", examples=["2024-01-08"])
    expected: int = Field(
        description="Tables, candles or days of prices that should be there. 0: the calendar explains every day.",
        examples=[2],
    )
    reason: Literal["first_fill", "failed", "empty", "refused", "missing"] = Field(
        description="`first_fill`: the history is being loaded; `failed`: the question failed; `empty`: nothing came; "
        "`refused`: a figure may not in; `missing`: candles between two others.",
        examples=["failed"],
    )
    cause: str | None = Field(
        description="Why the newest try failed, as its job says it; else null.", examples=["unreachable"]
    )
    tries: int = Field(description="How often it was asked for again.", examples=[2])
    next_try: AwareDatetime | None = Field(
        description="From when on the timetable asks again.", examples=["2024-01-31T12:55:00Z"]
    )
    state: Literal["waiting", "asking", "given_up", "accepted", "off", "explained"] = Field(
        description="`waiting` for its next try; `asking`: a job that runs asks for it; `given_up`: five tries were "
        "in vain, it is asked once a day and is a problem in /health; `accepted` by an operator; `off`: the source is "
        "switched off or paused; `explained`: no table is due on any of its days, so nothing is missing.",
        examples=["waiting"],
    )
    accepted_at: AwareDatetime | None = Field(description="When it was accepted as final.", examples=[None])
    accepted_by: str | None = Field(description="By whom; null for the public.", examples=[None])
    days: list[DayItem] = Field(
        description="What became of its first 31 days, where it is of an official table; else empty."
    )


class GapPage(Schema):
    items: list[GapItem] = Field(description="By source and table, ascending by their first day.")
    count: int = Field(description="All that match, before paging.", examples=[3])


class DaysQuery(Schema):
    source: Code = Field(description="Whose table.", json_schema_extra={"example": "nbp"})
    table: Code = Field(description="One of its official tables.", json_schema_extra={"example": "A"})
    year: Whole = Field(ge=1980, le=2100, description="The year.", json_schema_extra={"example": 2025})


class YearOfDays(Schema):
    source: str = Field(description="Whose table.", examples=["nbp"])
    table: str = Field(description="The table.", examples=["A"])
    year: int = Field(description="The year.", examples=[2025])
    first: date = Field(description="The table's first day.", examples=["2002-01-02"])
    days: list[DayState] = Field(
        description=f"A word for each day of the year, from 1 January on. {MEANING}",
        examples=[["holiday", "published"]],
    )
    names: dict[str, str] = Field(
        description="The holidays of the year by their day.", examples=[{"2025-01-01": "Nowy Rok"}]
    )
    counts: dict[str, int] = Field(
        description="How many days have each word; a word of no day is left out.", examples=[{"published": 251}]
    )


class HealWish(Schema):
    model_config = ConfigDict(extra="forbid", populate_by_name=False)

    source: Name = Field(description="Who is to be asked.", json_schema_extra={"example": "nbp"})
    table: Name = Field(
        description="Which table; `candle:1h` and `price` of a market.", json_schema_extra={"example": "A"}
    )
    instrument: Name | None = Field(
        None,
        description="Only the gaps that this instrument is in, by code or alias.",
        json_schema_extra={"example": "USD"},
    )
    from_: Day | None = Field(
        None, alias="from", description="From this day on.", json_schema_extra={"example": "2024-01-01"}
    )
    to: Day | None = Field(None, description="Up to this day.", json_schema_extra={"example": "2024-12-31"})
    accepted: StrictBool = Field(
        default=False,
        description="Also the gaps of a table that an operator has accepted.",
        json_schema_extra={"example": False},
    )


class Healing(Schema):
    status: Literal["pending", "nothing"] = Field(
        description="`pending`: a job asks or will ask; `nothing` of it is missing.", examples=["pending"]
    )
    source: str = Field(description="Who is asked.", examples=["nbp"])
    table: str = Field(description="The table.", examples=["A"])
    parts: int = Field(
        description="Requests of tables, spans of prices or gaps of candles that the job has to work off.", examples=[2]
    )
    job: int | None = Field(description="The job; null where there is nothing to do.", examples=[4711])
    see: str | None = Field(description="Where to look for it.", examples=["/api/v1/jobs?type=nbp.A"])
