"""Builders of sources, instruments, prices and candles for tests."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Model

from markets import timeframes
from markets.instruments import create
from markets.instruments.find import find
from markets.models import Instrument, Source
from markets.records import Bar, Price
from miner import sources
from miner.providers import PROVIDERS
from signals.models import Signal

# 12:00 in Warsaw is 11:00 in UTC: `at("2026-10-26 12:00")` sets the clock to it.
NOW = datetime(2026, 10, 26, 11, 0, tzinfo=UTC)


def source(code: str, tracked: Iterable[str] = ("BTC", "ETH"), **choices: Any) -> Source:
    """A source with the facts and the listings of its provider, of which so much is followed."""
    choices = sources.facts(PROVIDERS[code]) | {"name": code.title(), "polling_interval": 300} | choices
    row, _ = Source.objects.update_or_create(code=code, defaults=choices)
    row.listings.all().delete()
    create.list_at(row, sources.entries(PROVIDERS[code]), tracked=list(tracked))
    return row


def instrument(code: str) -> Instrument:
    found = find(code)
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


def decision(pk: int = 17391) -> Signal:
    """Of USD, under the number that the documentation shows."""
    usd = find("USD") or create.currency("USD")
    usd.save()
    moment = datetime(2026, 10, 15, tzinfo=UTC)
    return Signal.objects.create(
        pk=pk, instrument=usd, rule="macd_signal_cross_12_26_9", as_of=moment, signal="SELL", horizon_days=5,
        values={"close": 3.9, "bars": 300, "previous_histogram": 0.001}, histogram=-0.001, generated_at=moment,
    )  # fmt: skip
