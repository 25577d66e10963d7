"""The shapes of channels, messages and silences in the API."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import AwareDatetime, ConfigDict

from markets.api.asset_schemas import NAME, Symbol
from markets.api.schemas import MAX_OFFSET, Whole
from signals.alerts.schemas import Kind, part

State = Literal["pending", "sending", "retry", "sent", "dead", "silenced", "cancelled"]
Held = Literal["group", "storm", "quiet"]


class ChannelItem(Schema):
    id: int = Field(description="Number of the channel.", examples=[2])
    name: str = Field(description="How operators call it.", examples=["on call"])
    kind: str = Field(description="How it tells.", examples=["webhook"])
    target: str = Field(description="What may be shown of where it tells.", examples=["hooks.example.org"])
    enabled: bool = Field(description="Whether anything is told by it.", examples=[True])
    kinds: list[Kind] = Field(description="The kinds of alerts that it tells; empty: all of them.", examples=[["move"]])
    failures: int = Field(description="Messages that failed one after another.", examples=[0])
    broken_since: datetime | None = Field(description="Since when it has not worked.", examples=[None])
    canary_at: datetime | None = Field(description="Its last daily test.", examples=["2026-10-26T05:00:00Z"])
    canary_ms: int | None = Field(description="How many milliseconds that took.", examples=[412])


class ChannelPage(Schema):
    items: list[ChannelItem] = Field(description="By name.")
    count: int = Field(description="All channels, before paging.", examples=[2])


class AttemptItem(Schema):
    number: int = Field(description="Which try.", examples=[1])
    started_at: datetime = Field(description="When it began, UTC.", examples=["2026-10-26T11:00:03Z"])
    milliseconds: int = Field(description="How long it took.", examples=[184])
    status: int | None = Field(description="Status of HTTP; null where there was none.", examples=[200])
    ok: bool = Field(description="Whether the receiver took it.", examples=[True])
    error: str = Field(description="Why it did not.", examples=[""])


class DeliveryItem(Schema):
    key: str = Field(
        description="The idempotency key, the same in every try.", examples=["5eedba7c-4a0e-5a52-8f0c-2f4b3c1d9e10"]
    )
    channel_id: int = Field(description="By which channel.", examples=[2])
    channel: str = Field(description="Its name.", examples=["on call"])
    step: str = Field(description="What of the alert is told.", examples=["fired"])
    state: State = Field(
        description="pending, sending, retry: on its way; sent; dead: given up; silenced: not told; cancelled: nobody "
        "needs it any more.",
        examples=["sent"],
    )
    held: Held | None = Field(description="Why it waits until `due_at`.", examples=[None])
    tries: int = Field(description="How often it was tried.", examples=[1])
    due_at: datetime = Field(description="When it is sent, or tried again.", examples=["2026-10-26T11:00:02Z"])
    created_at: datetime = Field(description="When it was written, UTC.", examples=["2026-10-26T11:00:02Z"])
    sent_at: datetime | None = Field(description="When the receiver had it.", examples=["2026-10-26T11:00:03Z"])
    error: str = Field(description="Why the last try failed.", examples=[""])
    attempts: list[AttemptItem] = Field(description="Every try, the first one first.")


class DeliveryPage(Schema):
    items: list[DeliveryItem] = Field(description="All of one event, newest first.")
    count: int = Field(description="How many.", examples=[2])


class SilencePath(Schema):
    silence_id: Whole = Field(
        ge=1, le=MAX_OFFSET, description="Number of the silence.", json_schema_extra={"example": 4711}
    )


class SilenceItem(Schema):
    id: int = Field(description="Number of the silence.", examples=[4711])
    kind: Kind | None = Field(description="Of which alerts nothing is told; null: of all kinds.", examples=["move"])
    asset: str | None = Field(description="Of which instrument; null: of all.", examples=["BTCUSD"])
    rule_id: int | None = Field(description="Of which rule; null: of all.", examples=[None])
    channel_id: int | None = Field(description="By which channel; null: by none.", examples=[None])
    begins_at: datetime = Field(description="From when on, UTC.", examples=["2026-10-26T11:00:00Z"])
    until: datetime = Field(description="Until when, UTC.", examples=["2026-10-26T13:00:00Z"])
    author: str = Field(description="Who made it.", examples=["operator"])
    comment: str = Field(description="Why.", examples=["maintenance"])


class SilencePage(Schema):
    items: list[SilenceItem] = Field(description="The one that ends last first; those that are over stay.")
    count: int = Field(description="All silences, before paging.", examples=[2])


class NewSilence(Schema):
    """What is left out matches everything."""

    model_config = ConfigDict(extra="forbid")

    until: AwareDatetime = Field(
        description="Until when nothing is told.", json_schema_extra={"example": "2026-10-26T13:00:00Z"}
    )
    begins_at: AwareDatetime | None = part(None, "From when on; without it from now on.", "2026-10-26T11:00:00Z")
    kind: Kind | None = part(None, "Only alerts of this kind.", "move")
    asset: Symbol | None = part(None, "Only alerts of this asset, by code or alias.", "BTC")
    rule_id: Annotated[Whole, Field(ge=1, le=MAX_OFFSET)] | None = part(None, "Only alerts of this rule.", 7)
    channel_id: Annotated[Whole, Field(ge=1, le=MAX_OFFSET)] | None = part(
        None, "Only by this channel; for operators.", 2
    )
    comment: Annotated[str, Field(max_length=200, pattern=NAME)] | None = part(None, "Why.", "maintenance")
