"""A poll of which nothing may in has failed, and is told so; one of which something may in has not."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from markets.models import Candle, Job, Quote, Source
from miner.collect import candles, prices
from miner.fetch.errors import FiguresRefused
from tests.markets_fake import FakeMarket, open_market

pytestmark = pytest.mark.django_db

NEGATIVE = Decimal(-5)


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> Source:
    at("2026-10-26 13:00:30")
    monkeypatch.setattr(FakeMarket, "limit", 0)
    return open_market(monkeypatch)


def failed_job() -> tuple[str, str]:
    job = Job.objects.filter(status="failed").get()
    return job.job_type, job.reason


def test_prices_that_are_all_refused_fail_the_poll(market: Source) -> None:
    FakeMarket.prices.update(dict.fromkeys(FakeMarket.tickers.values(), NEGATIVE))
    result = prices.refresh_counted(market, prices.due(market))
    assert isinstance(result.error, FiguresRefused)
    assert failed_job() == ("fake.quotes", "figures_refused")
    assert not Quote.objects.filter(source=market).exists()


def test_one_price_that_is_refused_fails_no_poll(market: Source) -> None:
    FakeMarket.prices.update({"X:BTCUSD": NEGATIVE, "C:EURUSD": Decimal(1), "C:XAUUSD": Decimal(2000)})
    assert prices.refresh_counted(market, prices.due(market)).error is None
    assert not Job.objects.filter(status="failed").exists()


def test_candles_that_are_all_refused_fail_the_poll(market: Source) -> None:
    FakeMarket.prices.update(dict.fromkeys(FakeMarket.tickers.values(), NEGATIVE))
    cycles = candles.refresh_counted(market, ["1h"])
    assert isinstance(cycles["1h"].ended, FiguresRefused)
    assert failed_job() == ("fake.candles.1h", "figures_refused")
    assert not Candle.objects.exists()


def test_candles_of_one_symbol_that_are_refused_are_counted_against_all(market: Source) -> None:
    """A third of all is more than a fifth."""
    FakeMarket.prices["X:BTCUSD"] = NEGATIVE
    cycles = candles.refresh_counted(market, ["1h"])
    assert isinstance(cycles["1h"].ended, FiguresRefused)
    assert set(Candle.objects.values_list("instrument__code", flat=True)) == {"EURUSD", "XAUUSD"}
