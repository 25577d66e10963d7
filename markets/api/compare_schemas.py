"""The shapes of questions and answers about the differences between sources."""

from datetime import date

from ninja import Field, Schema
from pydantic import AwareDatetime

from markets.api.export_query import Export
from markets.api.schemas import Code, Digits


class CompareQuery(Export):
    pair: Code | None = Field(
        None, description="Only this pair, by its name.", json_schema_extra={"example": "eur-pln"}
    )


class LegItem(Schema):
    source: str = Field(description="Who says it.", examples=["ecb"])
    code: str = Field(description="The instrument.", examples=["EURUSD"])
    table: str | None = Field(
        description="The table it stands in; null for a price of a market.", examples=["eurofxref"]
    )
    value: Digits = Field(description="The figure with its published digits.", examples=["1.1790"])
    at: AwareDatetime | None = Field(description="The moment of a market's price, else null.", examples=[None])


class ValueItem(Schema):
    source: str = Field(description="Whose value it is.", examples=["ecb"])
    value: Digits = Field(
        description="As published; of a computed one six decimals, though the difference is taken of all digits.",
        examples=["3.602460"],
    )
    derived: bool = Field(description="Whether it is computed from its legs.", examples=[True])
    formula: str | None = Field(
        description="How, by the codes of its legs; null if published.", examples=["EUR / EURUSD"]
    )
    at: AwareDatetime | None = Field(
        description="The moment of which it is: the hour of the fixing on that day, or that of the price; null where "
        "nobody documents the hour.",
        examples=["2026-10-26T13:15:00Z"],
    )
    fixing: str | None = Field(
        description="The hour of an official fixing and whose time it is; null where there is none.",
        examples=["14:15 CET (Frankfurt)"],
    )
    legs: list[LegItem] = Field(description="The figures that it is made of.")


class BandItem(Schema):
    low: Digits = Field(description="Below it the difference is unusual, in basis points.", examples=["-38.11"])
    high: Digits = Field(description="Above it the difference is unusual.", examples=["41.75"])
    days: int = Field(description="Days of the last 365 that it is made of.", examples=[247])
    method: str = Field(
        description="How it is computed.", examples=["quartiles less and plus 3 interquartile ranges, at least 1 bp"]
    )


class ComparisonItem(Schema):
    pair: str = Field(description="Its name.", examples=["usd-pln"])
    unit: str = Field(description="What both values are.", examples=["PLN for 1 USD"])
    day: date | None = Field(
        description="The newest day that both sides have; null while there is none.", examples=["2026-10-26"]
    )
    left: ValueItem | None = Field(description="One side.")
    right: ValueItem | None = Field(description="The other side.")
    bps: Digits | None = Field(
        description="How much higher the left value is, in basis points (hundredths of a percent) of the right one.",
        examples=["12.48"],
    )
    band: BandItem | None = Field(description="What is usual; null where there are too few days.")
    outside: bool | None = Field(
        description="Whether the difference is unusual; null where that cannot be said.", examples=[False]
    )
    insufficient: bool = Field(
        description="Whether fewer than 60 days of the last 365 can be compared.", examples=[False]
    )
    days: int = Field(description="Days of the last 365 that can be compared, without the newest one.", examples=[247])
    stale: bool = Field(
        description="Whether the newest common day is more than six days ago: a source has stalled.", examples=[False]
    )
    note: str = Field(description="What is part of the difference.", examples=["The fixings are hours apart."])


class ComparisonPage(Schema):
    items: list[ComparisonItem] = Field(description="In the order of their declarations.")
    count: int = Field(description="How many.", examples=[4])
