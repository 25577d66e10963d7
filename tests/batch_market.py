"""A fake source with a low quota, and one that stands in for it."""

from decimal import Decimal
from typing import Any

import pytest

from markets.models import Listing, Source
from tests.markets_fake import FakeMarket, open_market


class Plan(FakeMarket):
    """Five calls a minute, three of them kept, and a queue."""

    limit = 5
    reserve = 3
    rotating = True
    prices: dict[str, Any] = {}
    asked: list[tuple[object, ...]] = []


class StandIn(FakeMarket):
    code = "standin"
    name = "Stand-in"
    limit = 100
    tickers = {"BTCUSD": "btc_usd"}
    prices: dict[str, Any] = {}
    asked: list[tuple[object, ...]] = []


def open_plan(monkeypatch: pytest.MonkeyPatch) -> Source:
    """The source with the low quota, alone beside the NBP; all three of its instruments have a price."""
    Source.objects.exclude(code="nbp").delete()
    source = open_market(monkeypatch, Plan)
    Plan.prices.update({"X:BTCUSD": Decimal(90000), "C:EURUSD": Decimal("1.08"), "C:XAUUSD": Decimal(4100)})
    return source


def secondary(market: Source) -> None:
    Listing.objects.filter(source=market).exclude(ticker="X:BTCUSD").update(priority=Listing.Priority.MEDIUM)
