"""The shapes of the questions about signals and of their answers."""

from datetime import date, datetime
from typing import Annotated, Literal

from ninja import Field, Schema

from markets.api.schemas import Code, Day, Digits

Label = Literal["BUY", "HOLD", "SELL"]
RuleName = Annotated[str, Field(min_length=1, max_length=60)]
RULE = (
    "Only this rule: its stored name with the parameters, or the name of its file (`macd_cross`); `all` for every "
    "rule. Without it: the primary rule (PRIMARY_RULE) on daily bars."
)


class CurrentQuery(Schema):
    rule: RuleName | None = Field(None, description=RULE, json_schema_extra={"example": "macd_cross"})


class SignalQuery(Schema):
    code: Code | None = Field(
        None, description="Only this instrument; code or alias: USD, XAU, gold.", json_schema_extra={"example": "USD"}
    )
    signal: Label | None = Field(None, description="Only these decisions.", json_schema_extra={"example": "BUY"})
    rule: RuleName | None = Field(None, description=RULE, json_schema_extra={"example": "macd_signal_cross_12_26_9"})
    from_: Day | None = Field(
        None, alias="from", description="First bar, inclusive.", json_schema_extra={"example": "2024-01-01"}
    )
    to: Day | None = Field(None, description="Last bar, inclusive.", json_schema_extra={"example": "2024-12-31"})


class SignalItem(Schema):
    id: int = Field(description="Number of the row; rows are never changed.", examples=[17391])
    code: str = Field(description="The instrument.", examples=["USD"])
    rule: str = Field(description="The rule with its parameters.", examples=["macd_signal_cross_12_26_9"])
    timeframe: str = Field(description="Length of a bar.", examples=["1d"])
    as_of: date | datetime = Field(
        description="The closed bar that was decided on: its day, or the moment at which a candle opened.",
        examples=["2026-10-15"],
    )
    signal: Label = Field(description="The decision.", examples=["SELL"])
    macd: Digits | None = Field(description="MACD line on that bar; null for another rule.", examples=["0.0258513221"])
    signal_line: Digits | None = Field(description="Its signal line; null for another rule.", examples=["0.0269423612"])
    histogram: Digits | None = Field(
        description="macd less signal_line; null for another rule.", examples=["-0.0010910391"]
    )
    horizon_days: int = Field(description="Days over which the signal is meant and judged.", examples=[5])
    edition: int = Field(
        description="Above 1: a corrected figure changed the decision; the highest counts.", examples=[1]
    )
    generated_at: datetime = Field(description="When it was computed, UTC.", examples=["2026-10-26T11:05:12.000Z"])


class SignalPage(Schema):
    items: list[SignalItem] = Field(description="Newest bar first.")
    count: int = Field(description="All that match, before paging.", examples=[612])


class CurrentItem(Schema):
    code: str = Field(description="The instrument.", examples=["USD"])
    rule: str = Field(description="The rule with its parameters.", examples=["macd_signal_cross_12_26_9"])
    timeframe: str = Field(description="Length of a bar.", examples=["1d"])
    status: Literal["ok", "warming_up", "not_applicable", "pending"] = Field(
        description="ok: decided; warming_up: fewer bars than `warm_up`; not_applicable: no daily series (only in "
        "table B), or not what the rule needs; pending: not computed yet.",
        examples=["ok"],
    )
    as_of: date | datetime | None = Field(description="The newest closed bar.", examples=["2026-10-26"])
    signal: Label | None = Field(description="The decision on that bar; null unless status is ok.", examples=["HOLD"])
    turned: Label | None = Field(description="The newest BUY or SELL.", examples=["SELL"])
    turned_on: date | datetime | None = Field(description="Its bar.", examples=["2026-10-15"])
    histogram: float | None = Field(
        description="MACD less its signal line on the newest bar; null for another rule.", examples=[-0.0032921]
    )
    trend: Literal["up", "down", "flat"] | None = Field(
        description="The fast average above or below the slow one by more than 0.1 % of the price; null for a rule "
        "without averages.",
        examples=["up"],
    )
    bars: int | None = Field(description="Bars of the series so far.", examples=[8033])
    warm_up: int | None = Field(description="Bars that the rule needs before it decides.", examples=[250])
    generated_at: datetime | None = Field(description="When it was computed, UTC.", examples=["2026-10-26T11:05:12Z"])


class CurrentPage(Schema):
    items: list[CurrentItem] = Field(description="Sorted by code.")
    count: int = Field(
        description="All instruments, once for each rule and timeframe asked for, before paging.", examples=[197]
    )
