"""The shapes of the questions about signals and of their answers."""

from datetime import date, datetime
from typing import Annotated, Literal

from ninja import Field, Schema

from markets.api.as_of import AsOf
from markets.api.schemas import MAX_OFFSET, Code, Day, Digits, Whole

Label = Literal["BUY", "HOLD", "SELL"]
RuleName = Annotated[str, Field(min_length=1, max_length=60)]
RULE = (
    "Only this rule: its stored name with the parameters, or the name of its file (`macd_cross`); `all` for every "
    "rule. Without it: the primary rule (PRIMARY_RULE) on daily bars."
)
CURRENT_RULE = RULE + " `rating`: the rating of each series, which `all` lists beside its rules."

AS_OF = (
    "Only what had been decided at this moment, and `superseded` as it was then: ISO 8601 with a zone, or a day, which "
    "is meant until its end in Warsaw. Without it: all that is decided now."
)
CURRENT_AS_OF = (
    "The newest decision of each series at this moment, from the ledger: ISO 8601 with a zone, or a day, which is "
    "meant until its end in Warsaw. Series without one are left out, and so is what the ledger does not keep: ratings, "
    "trend, and HOLD on candles, so that `as_of` is the bar of the newest BUY or SELL there."
)


class CurrentQuery(Schema):
    rule: RuleName | None = Field(None, description=CURRENT_RULE, json_schema_extra={"example": "macd_cross"})
    as_of: AsOf | None = Field(None, description=CURRENT_AS_OF, json_schema_extra={"example": "2026-10-26T10:00:00Z"})


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
    as_of: AsOf | None = Field(None, description=AS_OF, json_schema_extra={"example": "2026-10-26T10:00:00Z"})


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
    superseded: bool = Field(
        description="Whether a higher edition of the bar is known (of `as_of`: was known then).", examples=[False]
    )
    inputs: str | None = Field(
        description="SHA-256 over the figures of all bars up to this one, in a chain that anybody can compute; null "
        "for a row of an earlier release and where the bar has left its series.",
        examples=["9609df3006d65b7b440d371e13a47fdf6005d1cfcb1eaf1f4b0319226a71518e"],
    )
    params: str | None = Field(
        description="SHA-256 of the rule's parameters; null for a row of an earlier release.",
        examples=["4105361b477d65dddb99505299e55315d0d5b0f7f9020688f7283f6841bd2de5"],
    )
    program: str | None = Field(
        description="Version of Charon and, behind the plus, of its formulas; null for a row of an earlier release.",
        examples=["0.1.0+75b81094300ccfd2"],
    )
    generated_at: datetime = Field(description="When it was computed, UTC.", examples=["2026-10-26T11:05:12.000Z"])


class SignalPage(Schema):
    items: list[SignalItem] = Field(description="Newest bar first.")
    count: int = Field(description="All that match, before paging.", examples=[612])


class CurrentItem(Schema):
    code: str = Field(description="The instrument.", examples=["USD"])
    rule: str = Field(description="The rule with its parameters, or `rating`.", examples=["macd_signal_cross_12_26_9"])
    timeframe: str = Field(description="Length of a bar.", examples=["1d"])
    status: Literal["ok", "warming_up", "not_applicable", "failed", "pending"] = Field(
        description="ok: decided; warming_up: fewer bars than `warm_up`, or than a rating needs; not_applicable: no "
        "daily series (only in table B), not what the rule needs or another timeframe, for a rating fewer than three "
        "rules; failed: the rule ended with an error on the bar after `as_of`; pending: not computed yet.",
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
    values: dict[str, Digits | None] | None = Field(
        description="What the rule computed on that bar, by name; null where it computed nothing.",
        examples=[
            {
                "ema_fast": "3.9411",
                "ema_slow": "3.9389",
                "macd": "0.0022",
                "signal_line": "0.0055",
                "histogram": "-0.0033",
            }
        ],
    )
    rating: Digits | None = Field(
        description="Of the row `rating`: the mean of the votes (1 buy, 0, -1 sell) of the rules that apply and have "
        "enough bars; null for a rule.",
        examples=[None],
    )
    rating_label: Literal["STRONG_BUY", "BUY", "NEUTRAL", "SELL", "STRONG_SELL"] | None = Field(
        description="The same in words: above 0.5, from 0.1, from -0.1, from -0.5, below.", examples=[None]
    )
    bars: int | None = Field(description="Bars of the series so far.", examples=[8033])
    warm_up: int | None = Field(description="Bars that the rule needs before it decides.", examples=[250])
    generated_at: datetime | None = Field(description="When it was computed, UTC.", examples=["2026-10-26T11:05:12Z"])


class CurrentPage(Schema):
    items: list[CurrentItem] = Field(description="Sorted by code.")
    count: int = Field(description="All series, once for each rule asked for, before paging.", examples=[197])


class SignalPath(Schema):
    id: Whole = Field(
        ge=1,
        le=MAX_OFFSET,
        description="Number of the row, as `/signals` lists it.",
        json_schema_extra={"example": 17391},
    )


Stand = Literal["BUY", "NEUTRAL", "SELL"]


class InBothLanguages(Schema):
    pl: str = Field(description="In Polish.", examples=["Histogram MACD stał się dodatni …"])
    en: str = Field(description="In English.", examples=["The MACD histogram turned positive …"])


class Paragraphs(Schema):
    pl: list[str] = Field(description="In Polish.", examples=[["MACD = EMA12 − EMA26; …"]])
    en: list[str] = Field(description="In English.", examples=[["MACD = EMA12 − EMA26; …"]])


class ExplainedBar(Schema):
    as_of: date | datetime = Field(
        description="Its day, or the moment at which the candle opened.", examples=["2026-10-15"]
    )
    close: Digits = Field(description="Its close, or the published rate.", examples=["3.8647"])
    values: dict[str, Digits | None] = Field(
        description="What the rule computed on it, by name; null while there are too few bars.",
        examples=[{"histogram": "0.0010910391"}],
    )


class Flip(InBothLanguages):
    signal: Literal["BUY", "SELL"] = Field(description="The opposite of the newest BUY or SELL.", examples=["SELL"])
    after: date | datetime = Field(
        description="The newest bar: the price is that of the next one.", examples=["2026-10-26"]
    )
    price: Digits | None = Field(
        description="The nearest next close that brings it; null where none within 20 % does.", examples=["3.7012"]
    )


class OtherRule(Schema):
    rule: str = Field(description="The rule with its parameters.", examples=["rsi_reversal_14_30_70"])
    label: str = Field(description="What people call it.", examples=["RSI 14"])
    stands: Stand = Field(description="Where its values stood on that bar: a state, not a decision.", examples=["BUY"])
    agrees: bool | None = Field(
        description="With the decision; null where one of the two is neither BUY nor SELL.", examples=[True]
    )


class Explanation(Schema):
    id: int = Field(description="Number of the row.", examples=[17391])
    code: str = Field(description="The instrument.", examples=["USD"])
    rule: str = Field(description="The rule with its parameters.", examples=["macd_signal_cross_12_26_9"])
    timeframe: str = Field(description="Length of a bar.", examples=["1d"])
    as_of: date | datetime = Field(description="The closed bar that was decided on.", examples=["2026-10-15"])
    signal: Label = Field(description="The decision.", examples=["SELL"])
    edition: int = Field(description="Above 1: a corrected figure changed the decision.", examples=[1])
    backtested: bool = Field(description="Decided on a bar older than the first run.", examples=[False])
    sentence: InBothLanguages = Field(description="Why, in one or two sentences.")
    formula: Paragraphs = Field(description="How the rule computes and when it decides.")
    parameters: dict[str, str] = Field(description="By name.", examples=[{"fast": "12", "slow": "26", "signal": "9"}])
    bars: list[ExplainedBar] = Field(description="The bar before and the bar that decided; empty where they are gone.")
    flip: Flip | None = Field(description="What would bring the opposite now; null where nothing has turned yet.")
    rules: list[OtherRule] = Field(description="The other rules that apply to the series, on the same bar.")
    warnings: list[InBothLanguages] = Field(description="What to know before relying on it.")
