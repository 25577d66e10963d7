"""A small market for tests: two sources of prices, one of candles, and records as a provider hands them over."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Model

from markets import timeframes
from markets.instruments import catalogue
from markets.models import Instrument, Source
from markets.records import Bar, Price

# 12:00 in Warsaw is 11:00 in UTC: `at("2026-10-26 12:00")` sets the clock to it.
NOW = datetime(2026, 10, 26, 11, 0, tzinfo=UTC)


def source(code: str, tracked: Iterable[str] = ("BTC", "ETH"), **choices: Any) -> Source:
    """A source with its part of the catalogue, of which so much is followed."""
    choices = {"name": code.title(), "polling_interval": 300} | choices
    row, _ = Source.objects.update_or_create(code=code, defaults=choices)
    row.listings.all().delete()
    catalogue.list_at(row, tracked=list(tracked))
    return row


def instrument(code: str) -> Instrument:
    found = catalogue.find(code)
    assert found is not None
    return found


def price(value: str, minutes_ago: float = 0, ticker: str = "bitcoin", **more: Any) -> Price:
    figures: dict[str, Any] = {name: Decimal(text) if isinstance(text, str) else text for name, text in more.items()}
    return Price(ticker, Decimal(value), NOW - timedelta(minutes=minutes_ago), **figures)


def bar(start: str, *prices: str, ticker: str = "BTCUSDT", timeframe: str = "1h", **more: Any) -> Bar:
    """A candle from `2026-10-26 10:00` on (UTC); open, high, low, close."""
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    last = first + timedelta(seconds=timeframes.SECONDS.get(timeframe, 3600), milliseconds=-1)
    values = (Decimal(value) for value in prices or ("100", "110", "90", "105"))
    figures: dict[str, Any] = dict(zip(("open", "high", "low", "close"), values, strict=True))
    volume = Decimal(more.pop("volume", "12.5"))
    return Bar(ticker, timeframe, first, more.pop("close_time", last), **figures, volume=volume, **more)


def said(row: Model, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)
