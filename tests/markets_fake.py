"""A fake market provider whose prices and errors the test sets."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from markets import clock, timeframes
from markets.models import Instrument, Listing, Source
from markets.records import Bar, Price
from miner import providers
from miner.providers.base import CandleSource, Provider, QuoteSource

Answer = Decimal | Exception | None


class FakeMarket(CandleSource, QuoteSource):
    """`prices`: what each ticker costs; an error is raised, None leaves the ticker out."""

    code = "fake"
    name = "Fake"
    url = "https://fake.example/"
    unit = "USD"
    polling_interval = 30
    limit = 10
    tickers = {"BTCUSD": "X:BTCUSD", "EURUSD": "C:EURUSD", "XAUUSD": "C:XAUUSD"}
    timeframes = {"5m": 300, "1h": 3600, "4h": 14400}
    prices: dict[str, Answer] = {}
    asked: list[tuple[object, ...]] = []

    def fetch_quotes(self, tickers: Sequence[str]) -> list[Price]:
        type(self).asked.append(tuple(tickers))
        found = []
        for ticker in tickers:
            answer = self.prices.get(ticker)
            if isinstance(answer, Exception):
                raise answer
            if answer is not None:
                found.append(Price(ticker, answer, clock.now(), bid=answer, ask=answer + 1))
        return found

    def fetch_candles(self, ticker: str, timeframe: str, start: datetime | None = None, limit: int = 1000) -> list[Bar]:
        type(self).asked.append((ticker, timeframe, start, limit))
        answer = self.prices.get(ticker)
        if isinstance(answer, Exception):
            raise answer
        step = timedelta(seconds=timeframes.SECONDS[timeframe])
        open_now = timeframes.start_of(clock.now(), timeframes.SECONDS[timeframe])
        first = start or open_now - step * (limit - 1)
        price = answer or Decimal(100)
        bars: list[Bar] = []
        while first <= open_now and len(bars) < limit:
            end = first + step - timedelta(milliseconds=1)
            bars.append(Bar(ticker, timeframe, first, end, price, price + 2, price - 2, price + 1, Decimal(5), 3))
            first += step
        return bars

    def fetch_tickers(self) -> set[str]:
        return set(self.tickers.values())


def open_market(monkeypatch: object, kind: type[Provider] = FakeMarket, **choices: object) -> Source:
    """The fake's source with its listings, every one critical."""
    monkeypatch.setitem(providers.PROVIDERS, kind.code, kind)  # type: ignore[attr-defined]
    for name in ("prices", "asked"):
        if hasattr(kind, name):
            monkeypatch.setattr(kind, name, type(getattr(kind, name))())  # type: ignore[attr-defined]
    source = Source.objects.create(code=kind.code, name=kind.name, polling_interval=30, **choices)
    for code, ticker in kind.tickers.items():
        instrument, _ = Instrument.objects.get_or_create(
            code=code, defaults={"base": code[:3], "quote": code[3:], "kind": "pair", "name_pl": code, "name_en": code}
        )
        Listing.objects.create(instrument=instrument, source=source, ticker=ticker, priority=1)
    return source


def at_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
