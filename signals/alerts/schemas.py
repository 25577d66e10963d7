"""The shapes of questions about alerts and of their answers."""

import math
import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict, StrictBool, StrictInt, WithJsonSchema

from markets.api.asset_schemas import NAME, Symbol
from markets.api.schemas import MAX_OFFSET, Code, Digits, Whole
from signals.schemas import RuleName

Kind = Literal[
    "move", "level", "signal", "rating",
    "source_stale", "publication_late", "gap", "disk", "queue_age", "channel_broken",
]  # fmt: skip
Direction = Literal["up", "down", "both"]
EventState = Literal["open", "acknowledged", "resolved"]
Timeframe = Literal["5m", "15m", "1h", "4h", "1d"]
# Longer than any column: nobody means such a number.
LONGEST_NUMBER = 40

KIND = (
    "move: N % within M minutes; level: a price is crossed; signal: a rule of /signals says BUY or SELL anew; rating: "
    "its rating crosses a level. The others watch the installation and are for operators."
)
WINDOW = "How far back a move is measured; without it that of /config/alerts-defaults."
THRESHOLD = (
    "The move that fires, in percent from the lowest (up) or the highest (down) price of the window; a number or a "
    "string of digits. Without it that of /config/alerts-defaults."
)
HYSTERESIS = (
    "It may fire again when the move has shrunk by so many percentage points (a quarter of the threshold), or the "
    "price has gone so many percent beyond a level (0)."
)
DIRECTION = "Which way."
LEVEL = "The price, or the rating from -1 to 1, that is crossed."
SOURCE = "Whose prices; without it the source that answers for the asset now."
COOLDOWN = "Minutes between two alerts of one asset."


def exact(value: Any) -> Any:
    """A JSON number, or its digits in a string, as the answers of the API have them."""
    if isinstance(value, str) and len(value) <= LONGEST_NUMBER and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise ValueError("is neither a number nor a string of digits")
    return Decimal(str(value))


DIGITS = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "maxLength": LONGEST_NUMBER}
Number = Annotated[
    Decimal, BeforeValidator(exact), WithJsonSchema({"anyOf": [{"type": "number"}, DIGITS]}, mode="validation")
]


def part(default: Any, description: str, example: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"example": example})


class AlertQuery(Schema):
    asset: Code | None = Field(
        None, description="Only this asset; code or alias: BTC, EUR, gold.", json_schema_extra={"example": "BTC"}
    )
    state: EventState | None = Field(None, description="Only these.", json_schema_extra={"example": "open"})


class RulePath(Schema):
    rule_id: Whole = Field(ge=1, le=MAX_OFFSET, description="Number of the rule.", json_schema_extra={"example": 7})


class EventPath(Schema):
    event_id: Whole = Field(ge=1, le=MAX_OFFSET, description="Number of the event.", json_schema_extra={"example": 12})


class AlertItem(Schema):
    id: int = Field(description="Number of the event; no rule has the same.", examples=[12])
    rule_id: int = Field(description="The rule that fired; it may be gone.", examples=[7])
    asset: str | None = Field(
        description="The instrument; null for what watches the installation.", examples=["BTCUSD"]
    )
    created_at: datetime = Field(description="When it was noticed, UTC.", examples=["2026-10-26T11:00:02Z"])
    window_minutes: int | None = Field(description="Of a move.", examples=[60])
    threshold_pct: Digits | None = Field(description="Of a move, in percent.", examples=["5"])
    change_pct: Digits | None = Field(description="The move in percent, below zero downwards.", examples=["5.2381"])
    direction: Direction | None = Field(description="Which way it went.", examples=["up"])
    price: Digits | None = Field(description="The price that fired it.", examples=["67321.50"])
    state: EventState = Field(
        description="open: it goes on; acknowledged: it goes on and somebody knows; resolved: it is over.",
        examples=["open"],
    )
    kind: Kind = Field(description="What was watched.", examples=["move"])
    source: str | None = Field(description="Whose price it was.", examples=["coingecko"])
    subject: str = Field(description="The asset, or what of the installation.", examples=["BTCUSD"])
    observed_at: datetime = Field(description="The time of the price that fired it.", examples=["2026-10-26T11:00:00Z"])
    resolved_at: datetime | None = Field(description="When it was over.", examples=[None])
    acknowledged_at: datetime | None = Field(description="When somebody acknowledged it.", examples=[None])


class RuleItem(Schema):
    id: int = Field(description="Number of the rule; no event has the same.", examples=[7])
    kind: Kind = Field(description="What is watched.", examples=["move"])
    name: str = Field(description="How its maker calls it.", examples=["BTC moves"])
    asset: str | None = Field(description="The instrument; null: everything that is followed.", examples=["BTCUSD"])
    source: str | None = Field(description="Whose prices; null: who answers at the time.", examples=["coingecko"])
    window_minutes: int | None = Field(description="Of a move.", examples=[60])
    threshold_pct: Digits | None = Field(description="Of a move, in percent.", examples=["5"])
    direction: Direction = Field(description=DIRECTION, examples=["both"])
    level: Digits | None = Field(description=LEVEL, examples=[None])
    rule: str | None = Field(description="The rule of signals.", examples=[None])
    timeframe: str | None = Field(description="Its bars.", examples=[None])
    hysteresis_pct: Digits | None = Field(description=HYSTERESIS, examples=[None])
    cooldown_minutes: int = Field(description=COOLDOWN, examples=[60])
    enabled: bool = Field(description="Whether it is evaluated.", examples=[True])
    automatic: bool = Field(
        description="Made of /config/alerts-defaults and changed there alone, or kept for the channels.",
        examples=[False],
    )
    created_at: datetime = Field(description="When it was made, UTC.", examples=["2026-10-26T10:00:00Z"])


class RulePage(Schema):
    items: list[RuleItem] = Field(description="Newest first.")
    count: int = Field(description="All rules, before paging.", examples=[2])


class Parts(Schema):
    """What a rule is made of, each part where its kind has it."""

    model_config = ConfigDict(extra="forbid")

    source: Code | None = part(None, SOURCE, example="coingecko")
    window_minutes: StrictInt | None = part(None, WINDOW, 60)
    threshold_pct: Number | None = part(None, THRESHOLD, "5")
    direction: Direction | None = part(None, DIRECTION, "both")
    level: Number | None = part(None, LEVEL, "70000")
    hysteresis_pct: Number | None = part(None, HYSTERESIS, "1")
    cooldown_minutes: StrictInt = part(60, COOLDOWN, 60)


class RuleChange(Parts):
    rule: RuleName | None = part(None, "The rule of signals, as /signals takes it.", "macd_cross")
    timeframe: Timeframe | None = part(None, "Of which bars; days unless it is named.", "1d")
    enabled: StrictBool = part(default=True, description="Whether it is evaluated.", example=True)
    name: Annotated[str, Field(max_length=80, pattern=NAME)] = part("", "What to call it.", "BTC moves")


class NewRule(RuleChange):
    asset: Symbol | None = Field(
        description="What to watch, by code or alias; null for everything that is followed, and for what watches the "
        "installation.",
        json_schema_extra={"example": "BTC"},
    )
    kind: Kind = part("move", KIND, "move")


class PreviewQuestion(Parts):
    asset: Symbol = Field(description="What to watch, by code or alias.", json_schema_extra={"example": "BTC"})
    kind: Literal["move", "level"] = part("move", "What can be asked of the past.", "move")


class Preview(Schema):
    asset: str = Field(description="The instrument.", examples=["BTCUSD"])
    kind: Literal["move", "level"] = Field(description="What would be watched.", examples=["move"])
    source: str | None = Field(description="Whose prices.", examples=["binance"])
    window_minutes: int | None = Field(description="Of a move.", examples=[60])
    threshold_pct: Digits | None = Field(description="Of a move, in percent.", examples=["5"])
    direction: Direction = Field(description=DIRECTION, examples=["both"])
    times: int = Field(description="How often it would have fired.", examples=[14])
    last: datetime | None = Field(description="The last time.", examples=["2026-10-21T08:35:00Z"])
    days: int = Field(description="Of how many days there is something stored: 365 at most.", examples=[365])
    since: datetime | None = Field(description="The first observation.", examples=["2025-10-26T11:05:00Z"])
    until: datetime | None = Field(description="The last one.", examples=["2026-10-26T11:00:00Z"])
    observations: int = Field(description="How many were looked at.", examples=[105120])
    made_of: list[Literal["1h", "5m", "prices", "1d"]] = Field(
        description="What they are, the oldest first: closes of candles, single prices, daily rates.", examples=[["5m"]]
    )
    weekly_threshold_pct: Digits | None = Field(
        description="The threshold with one alert a week; null for a level, or with less than a week stored.",
        examples=["4.13"],
    )
    weekly_times: int | None = Field(description="How often that would have fired.", examples=[52])


class Defaults(Schema):
    window_minutes: int = Field(description="How far back a move is measured.", examples=[60])
    threshold_pct: Digits = Field(description="The move that fires, in percent.", examples=["5"])
    direction: Direction = Field(description=DIRECTION, examples=["both"])
    enabled: bool = Field(description="Whether everything that is followed is watched by them.", examples=[True])
    changed_at: datetime | None = Field(
        description="When they were set here; null: ALERT_WINDOW_MINUTES and ALERT_THRESHOLD_PCT hold.", examples=[None]
    )


class NewDefaults(Schema):
    model_config = ConfigDict(extra="forbid")

    window_minutes: StrictInt = Field(description="How far back a move is measured.", json_schema_extra={"example": 60})
    threshold_pct: Number = Field(
        description="The move that fires, in percent; a number or a string of digits.",
        json_schema_extra={"example": "5"},
    )
    direction: Direction = part("both", DIRECTION, "both")
    enabled: StrictBool = part(
        default=True, description="Whether everything that is followed is watched by them.", example=True
    )
