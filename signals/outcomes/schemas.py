"""The shapes of the question about outcomes and of its answer."""

from datetime import date, datetime
from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import AfterValidator

from markets.api.schemas import Code, Digits, Whole
from signals.outcomes.panel import HORIZONS
from signals.schemas import InBothLanguages, RuleName

ABOUT = "null where it is not defined"


def kept(value: int) -> int:
    if value not in HORIZONS:
        raise ValueError("is not one of 1, 5 and 20")
    return value


BOUNDS = {"enum": list(HORIZONS), "minimum": min(HORIZONS), "maximum": max(HORIZONS)}
Horizon = Annotated[Whole, AfterValidator(kept), Field(json_schema_extra=BOUNDS)]


class OutcomeQuery(Schema):
    code: Code | None = Field(
        None, description="Only this instrument; code or alias: USD, XAU, gold.", json_schema_extra={"example": "USD"}
    )
    rule: RuleName | None = Field(
        None,
        description="Only this rule: its stored name with the parameters, or the name of its file. Without it, and "
        "with `all`: every rule.",
        json_schema_extra={"example": "macd_cross"},
    )
    timeframe: Literal["5m", "1h", "4h", "1d"] | None = Field(
        None, description="Only bars of this length.", json_schema_extra={"example": "1d"}
    )
    horizon: Horizon | None = Field(
        None, description="Only what happened within so many bars.", json_schema_extra={"example": 5}
    )
    live: bool | None = Field(
        None,
        description="true: decided when the bar was new; false: back-tested. They are never counted together.",
        json_schema_extra={"example": False},
    )


class OutcomeItem(Schema):
    code: str | None = Field(description="The instrument; null for all together.", examples=["USD"])
    family: Literal["official", "candles"] = Field(
        description="What the panel was judged with: official rates or candles.", examples=["official"]
    )
    rule: str = Field(description="The rule with its parameters.", examples=["macd_signal_cross_12_26_9"])
    timeframe: str = Field(description="Length of a bar.", examples=["1d"])
    horizon: int = Field(
        description="In at the close of the bar behind the decision, out so many bars later.", examples=[5]
    )
    live: bool = Field(description="Decided when the bar was new; false: back-tested.", examples=[False])
    n: int = Field(description="Decisions whose outcome is known.", examples=[235])
    n_eff: Digits = Field(
        description="How many independent ones they are worth: horizons overlap, and instruments move together.",
        examples=["201.4"],
    )
    first: date | datetime | None = Field(description="Bar of the first decision.", examples=["2003-01-15"])
    last: date | datetime | None = Field(description="Bar of the last one.", examples=["2026-10-15"])
    hit_rate: Digits | None = Field(
        description=f"Part of the decisions that moved as they said; {ABOUT}.", examples=["0.5106"]
    )
    hit_low: Digits | None = Field(
        description="Lower end of its 95 % interval (Wilson, on n_eff).", examples=["0.4421"]
    )
    hit_high: Digits | None = Field(description="Upper end of it.", examples=["0.5788"])
    mean: Digits | None = Field(
        description="Mean logarithmic move in the direction of the decision, 0.01 being about 1 %.",
        examples=["0.00042"],
    )
    median: Digits | None = Field(description="The median of these moves.", examples=["0.00031"])
    worst: Digits | None = Field(description="The worst of them.", examples=["-0.0512"])
    holding: Digits | None = Field(
        description="Mean move of all stretches of so many bars: what holding gives.", examples=["0.00008"]
    )
    percentile: Digits | None = Field(description="Of the mean among 999 random entries, 0 to 100.", examples=["63.2"])
    net: Digits | None = Field(
        description="The mean after costs; null where none are known, see `costs`.", examples=["-0.0194"]
    )
    net_n: int = Field(description="The decisions whose costs are known, which `net` is about.", examples=[235])
    costs: Literal["half of the spread of table C", "0.1 % a side", "does not apply"] | None = Field(
        description="What `net` takes off on the way in and on the way out; null with too few decisions.",
        examples=["half of the spread of table C"],
    )
    smallest: Digits | None = Field(
        description="The smallest visible effect: a mean of this size would have been found in 8 of 10 cases.",
        examples=["0.0061"],
    )
    sharpe: Digits | None = Field(description=f"Sharpe ratio per bar; {ABOUT}.", examples=["0.0112"])
    deflated: Digits | None = Field(
        description="Deflated Sharpe ratio: how probably it is above what the best of all trials shows by chance.",
        examples=["0.021"],
    )
    verdict: Literal["too_little", "chance", "better", "worse"] = Field(
        description="too_little: fewer than 30 decisions; chance: cannot be told from it; better, worse: differs from "
        "chance (false findings in at most 2.5 % of families).",
        examples=["chance"],
    )
    t: Digits | None = Field(description="The statistic that is judged; null with too few decisions.", examples=["1.1"])
    p: Digits | None = Field(
        description="Probability of such a result by chance, adjusted for all `panels`; null with too few decisions.",
        examples=["0.9713"],
    )
    panels: int = Field(description="Panels of the family that were looked at, and corrected for.", examples=[474])
    says: InBothLanguages = Field(description="The verdict in words.")
    computed_at: datetime = Field(description="When it was computed, UTC.", examples=["2026-10-26T03:30:04Z"])
    method: Literal["docs/method.md"] = Field(
        description="Where the method is described, in the documentation of Charon.", examples=["docs/method.md"]
    )


class OutcomePage(Schema):
    items: list[OutcomeItem] = Field(
        description="All instruments together first, then by code, rule, timeframe and horizon."
    )
    count: int = Field(description="All that match, before paging.", examples=[474])
