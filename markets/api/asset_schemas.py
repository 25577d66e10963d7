"""The shapes of questions and answers about the assets that are followed."""

from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

from markets.api.schemas import COMMON_ERRORS, Digits, Envelope

OPERATOR_ERRORS = {404: Envelope, **COMMON_ERRORS}
SYMBOL = r"^[A-Za-z0-9][A-Za-z0-9:/_.-]{1,31}$"
# Letters of any alphabet; no control characters, and not only spaces.
NAME = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
MOST_ALIASES = 20
Symbol = Annotated[str, Field(pattern=SYMBOL)]


class AssetItem(Schema):
    symbol: str = Field(description="The instrument's code.", examples=["BTCUSD"])
    name: str = Field(description="Name in English.", examples=["Bitcoin"])
    aliases: list[str] = Field(description="Other spellings that find it.", examples=[["BTC", "BTC/USD"]])
    sources: list[str] = Field(
        description="Where it is followed, the most urgent first.", examples=[["deribit", "coingecko"]]
    )
    tracked: bool = Field(description="Whether it is followed.", examples=[True])
    last: Digits | None = Field(description="Its newest price; null while there is none.", examples=["67321.50"])
    change24h: Digits | None = Field(description="Change of the last 24 hours in percent.", examples=["-1.4093"])


class AssetPath(Schema):
    symbol: Symbol = Field(description="An asset by its code or an alias.", json_schema_extra={"example": "BTC"})


class NewAsset(Schema):
    model_config = ConfigDict(extra="forbid")

    symbol: Symbol = Field(
        description="What to follow, by code, alias or the ticker of a source: BTC, ETHUSD, EUR/USD, PEPE.",
        json_schema_extra={"example": "BTC"},
    )
    name: str | None = Field(
        None,
        max_length=120,
        pattern=NAME,
        description="How to call it; without it as the source that lists it does.",
        json_schema_extra={"example": "Bitcoin"},
    )
    aliases: list[Symbol] = Field(
        default=[],
        max_length=MOST_ALIASES,
        description="Further spellings that shall find it; each may mean one asset only.",
        json_schema_extra={"example": ["BITCOIN-CORE"]},
    )


class PendingAsset(Schema):
    status: Literal["pending"] = Field(description="The sources are being asked.", examples=["pending"])
    symbol: str = Field(description="What was asked for.", examples=["PEPE"])
    job: int = Field(
        description="The job that asks them, then follows the asset or fails with the reason.", examples=[4711]
    )
    see: str = Field(description="Where to look for that job.", examples=["/api/v1/jobs?type=assets.PEPE"])
