"""The shapes of the question where a decision came from, and of its answer."""

from datetime import date, datetime
from typing import Literal

from ninja import Field, Schema

from markets.api.revision_schemas import MAX_ID
from markets.api.schemas import Digits, Whole
from signals.schemas import Label, SignalItem


class ProvenancePath(Schema):
    id: Whole = Field(
        ge=1, le=MAX_ID, description="Number of the row, as `/signals` lists it.", json_schema_extra={"example": 17391}
    )


class RuleFacts(Schema):
    name: str = Field(description="The rule with its parameters.", examples=["macd_signal_cross_12_26_9"])
    label: str | None = Field(
        description="What people call it; null for a rule that is configured no more.", examples=["MACD 12/26/9"]
    )
    parameters: dict[str, str] | None = Field(
        description="By name; null likewise. `params` is their SHA-256.", examples=[{"fast": "12", "slow": "26"}]
    )


class ProvenBar(Schema):
    as_of: date | datetime = Field(
        description="Its day, or the moment at which the candle opened.", examples=["2026-10-15"]
    )
    close: Digits = Field(description="Its close or published rate, as it stands today.", examples=["3.8647"])
    source: str = Field(description="Whose figure it is (see /sources).", examples=["nbp"])
    table_no: str | None = Field(description="Number of the publication; null for others.", examples=["200/A/NBP/2026"])
    sha256: str | None = Field(
        description="Of the exact bytes of the published table; null where there is none.",
        examples=["9609df3006d65b7b440d371e13a47fdf6005d1cfcb1eaf1f4b0319226a71518e"],
    )
    provenance: str | None = Field(
        description="Where the rate came from; null for a candle.", examples=["/api/v1/provenance/rate/4711"]
    )


class Edition(Schema):
    id: int = Field(description="Number of the row.", examples=[17391])
    edition: int = Field(description="The highest counts.", examples=[1])
    signal: Label = Field(description="The decision.", examples=["SELL"])
    inputs: str | None = Field(description="SHA-256 over the figures.", examples=[None])
    params: str | None = Field(description="SHA-256 of the parameters.", examples=[None])
    program: str | None = Field(description="Version of Charon and its formulas.", examples=["0.1.0+75b81094300ccfd2"])
    generated_at: datetime = Field(description="Since when it is known, UTC.", examples=["2026-10-26T11:05:12Z"])


class SignalProvenance(Schema):
    kind: Literal["signal"] = Field(description="What this is about.", examples=["signal"])
    id: int = Field(description="Number of the row.", examples=[17391])
    signal: SignalItem = Field(description="The decision with the hashes of its row.")
    rule: RuleFacts = Field(description="What decided.")
    bars: list[ProvenBar] = Field(description="The bar before and the bar that decided; empty where they were pruned.")
    editions: list[Edition] = Field(description="Every version of the bar, the oldest first.")
    explain: str = Field(description="Why, in words.", examples=["/api/v1/signals/17391/explain"])
