"""A market of coins for tests of the pages: candles under six rules, prices of several sources, a hidden one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import sin

import pytest

from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from signals import engine, rules
from tests.market import NOW, bar, instrument, price, source

FILES = ("macd_cross", "rsi_reversal", "bollinger_reentry", "vwap_side", "squeeze_fired", "stoch_rsi_cross")
ALL_RULES = dict(rules.RULES)
HOURS = 720


def register(patch: pytest.MonkeyPatch) -> None:
    """The tests keep the registry to MACD."""
    patch.setattr(rules, "RULES", {name: ALL_RULES[name] for name in FILES})


def closes(count: int, shift: float = 0) -> list[str]:
    return [f"{100 + 3 * sin(n / 2 + shift) + 10 * sin(n / 37 + shift):.4f}" for n in range(count)]


def candles(market: Source, code: str, count: int = HOURS, shift: float = 0) -> Instrument:
    """So many hours up to NOW, decided on."""
    first = NOW - timedelta(hours=count)
    opens = [first + timedelta(hours=n) for n in range(count)]
    series = zip(opens, closes(count, shift), strict=True)
    save_bars([bar(f"{at:%Y-%m-%d %H:%M}", *[close] * 4, ticker=code) for at, close in series], market)
    found = instrument(code)
    engine.decide(found, "1h")
    return found


def binance() -> Source:
    """BTC and DOGE with enough candles, SOL with twelve."""
    market = source("binance", ["BTCUSDT", "DOGEUSDT", "SOLUSDT"], polling_interval=60, name="Binance.US")
    candles(market, "BTCUSDT")
    candles(market, "DOGEUSDT", shift=2)
    candles(market, "SOLUSDT", count=12)
    save_prices(
        [
            price("100.25", 0.5, "BTCUSDT", change="2.5", bid="100.20", ask="100.30"),
            price("0.1234", 0.5, "DOGEUSDT", change="-1.5"),
            price("20.5", 0.5, "SOLUSDT"),
        ],
        market,
    )
    return market


def polygon(**choices: object) -> Source:
    """Its terms let nobody else see its prices."""
    hidden = {"public_display": False, "public_api": False, "name": "Massive", "enabled": True} | choices
    row = source("polygon", ["XAUUSD", "EURUSD", "GBPUSD"], **hidden)
    prices = [price("2666.66", 1, "C:XAUUSD"), price("1.23456", 1, "C:EURUSD"), price("1.3", 1, "C:GBPUSD")]
    save_prices(prices, row)
    return row


def official(nbp: Source, job: Job) -> None:
    """Gold and the dollar of the NBP on Monday, and of the Friday before."""
    for day, gold, dollar in ((datetime(2026, 10, 23, tzinfo=UTC), "500.00", "4.0000"), (NOW, "512.34", "3.9293")):
        publish([Table("gold", day.date(), [RateRecord("XAU", mid=Decimal(gold))], kind="metal")], nbp, job)
        rates = [RateRecord("USD", mid=Decimal(dollar))]
        publish(
            [Table("A", day.date(), rates, number=f"{day:%d}/A/NBP/2026", sha256="0" * 64, url="https://nbp.example/")],
            nbp,
            job,
        )


def ecb(job: Job) -> None:
    row = Source.objects.get(code="ecb")
    for day, value in ((datetime(2026, 10, 23, tzinfo=UTC), "1.1600"), (NOW, "1.1711")):
        table = Table("eurofxref", day.date(), [RateRecord("EURUSD", mid=Decimal(value))], kind="pair")
        publish([table], row, job)
