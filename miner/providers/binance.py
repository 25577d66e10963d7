"""Binance.US, spot market data: candles of one symbol a call, 24-hour figures of twenty. No key; api.binance.us only.

What is limited is weight per minute and address: every answer says how much is used. Too much is 429, and whoever goes
on is banned (418), both with Retry-After; 451 is a blocked country. Numbers are text with eight decimals, times are
milliseconds; the last candle is normally still open. One unknown symbol fails a whole call.
Documentation: https://docs.binance.us
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlencode

import msgspec

from markets.records import Bar, Listed, Price
from miner.fetch import http
from miner.fetch.errors import Refused, UnknownTicker, Unreadable
from miner.fetch.parsing import count_of, decode, moment, positive
from miner.providers.base import CandleSource, ListingSource, QuoteSource

USED = "X-MBX-USED-WEIGHT-1M"
# One call for up to 20 symbols weighs as much as one for a single symbol.
SYMBOLS_A_CALL = 20
LONGEST = 1000
# So long the list of what is traded is remembered: it is the longest answer there is, and prices come twice a minute.
LIST_SECONDS = 3600
INVALID_SYMBOL = '"code":-1121'
# What is followed from the start: these against USDT.
COINS = (
    "BTC", "ETH", "XRP", "BNB", "SOL", "DOGE", "ADA", "LINK", "XLM", "BCH", "AVAX", "HBAR", "LTC", "SUI", "SHIB", "DOT",
    "UNI", "AAVE", "NEAR", "ICP", "ETC", "APT", "ATOM", "ALGO", "VET", "FIL", "ARB", "GRT", "ZEC",
)  # fmt: skip
# Open time, open, high, low, close, base volume, close time, quote volume, trades, and three that nobody needs.
Kline = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal, int, Any, int, Any, Any, Any]


class Day(msgspec.Struct, rename="camel", kw_only=True):
    """The last 24 hours of one symbol; zero where nobody bids, asks or trades."""

    symbol: str
    last_price: Decimal
    bid_price: Decimal | None = None
    ask_price: Decimal | None = None
    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    volume: Decimal
    price_change_percent: Decimal
    close_time: int


class Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    base_asset: str = ""
    quote_asset: str = ""


class Limit(msgspec.Struct, rename="camel"):
    rate_limit_type: str
    interval: str
    interval_num: int
    limit: Annotated[int, msgspec.Meta(gt=0, lt=10**6)]


class Exchange(msgspec.Struct, rename="camel"):
    symbols: list[Symbol]
    rate_limits: list[Limit]


class Binance(CandleSource, ListingSource, QuoteSource):
    code = "binance"
    name = "Binance.US"
    url = "https://www.binance.us/"
    unit = "USDT za 1 monetę"
    limits = "waga 1200 na minutę, 1000 świec w jednym zapytaniu"
    licence = "Publiczne API Binance.US; wymagane podanie źródła"
    attribution = "Dane: Binance.US"
    polling_interval = 60
    polling_setting = "MARKET_REFRESH_SECONDS"
    followed_setting = "BINANCE_SYMBOLS"
    limit = 1200
    listing_cost = 10
    tickers = {f"{coin}USDT": f"{coin}USDT" for coin in COINS}
    # What each address trades and the moment (of the monotonic clock) at which it said so, once a symbol was refused.
    # Of the class: a provider lives for one question.
    traded: ClassVar[dict[str, tuple[float, set[str] | None]]] = {}

    def fetch_candles(
        self, ticker: str, timeframe: str, start: datetime | None = None, limit: int = LONGEST
    ) -> list[Bar]:
        span = {} if start is None else {"startTime": str(count_of(start))}
        params = {"symbol": ticker, "interval": timeframe, **span, "limit": str(min(limit, LONGEST))}
        return parse_candles(self.ask("klines", params), ticker, timeframe)

    def fetch_quotes(self, tickers: Sequence[str]) -> list[Price]:
        """Those that are traded; when one is not, the list of those that are tells which, for an hour."""
        try:
            return self.quotes(self.among_traded(tickers))
        except UnknownTicker:
            self.traded[self.base_url] = time.monotonic(), self.fetch_tickers()
            return self.quotes(self.among_traded(tickers))

    def among_traded(self, tickers: Sequence[str]) -> Sequence[str]:
        """Those that the remembered list has; all of them where there is none."""
        told_at, names = self.traded.get(self.base_url, (0.0, None))
        if names is None or time.monotonic() - told_at >= LIST_SECONDS:
            return tickers
        return [ticker for ticker in tickers if ticker in names]

    def quotes(self, tickers: Sequence[str]) -> list[Price]:
        names, prices = list(dict.fromkeys(tickers)), []
        for first in range(0, len(names), SYMBOLS_A_CALL):
            group = names[first : first + SYMBOLS_A_CALL]
            symbols = msgspec.json.encode(group).decode()
            prices += parse_quotes(self.ask("ticker/24hr", {"symbols": symbols}), group)
        return prices

    def cost(self, tickers: Sequence[str]) -> int:
        return ceil(len(set(tickers)) / SYMBOLS_A_CALL)

    def fetch_tickers(self) -> set[str]:
        return {symbol.symbol for symbol in self.symbols()}

    def fetch_listing(self) -> list[Listed]:
        return [Listed(row.symbol, row.base_asset, row.quote_asset) for row in self.symbols()]

    def symbols(self) -> list[Symbol]:
        """Every symbol that is traded now; the same answer names the weight that a minute allows."""
        exchange = decode(self.ask("exchangeInfo", {}), Exchange)
        for rule in exchange.rate_limits:
            if (rule.rate_limit_type, rule.interval, rule.interval_num) == ("REQUEST_WEIGHT", "MINUTE", 1):
                self.allowed = rule.limit
        return [symbol for symbol in exchange.symbols if symbol.status == "TRADING"]

    def ask(self, path: str, params: Mapping[str, str]) -> bytes:
        query = f"?{urlencode(params, quote_via=quote)}" if params else ""
        try:
            answer = http.fetch(f"{self.base_url}api/v3/{path}{query}")
        except Refused as error:
            if error.status == 400 and INVALID_SYMBOL in error.body.replace(" ", ""):
                raise UnknownTicker(f"{error}: invalid symbol", error.status, error.body) from None
            raise
        used = answer.headers.get(USED, "")
        self.used = int(used) if used.isdecimal() and len(used) < 10 else self.used
        return answer.body


def parse_candles(body: bytes, ticker: str, timeframe: str) -> list[Bar]:
    """The candles as they stand, ascending by opening; what cannot be a candle is for the rules to refuse."""
    rows = sorted(decode(body, list[Kline]), key=lambda row: row[0])
    return [
        Bar(ticker, timeframe, moment(opened), moment(closed), first, high, low, last, volume, trades)
        for opened, first, high, low, last, volume, closed, _, trades, *_ in rows
    ]


def parse_quotes(body: bytes, asked: Sequence[str]) -> list[Price]:
    days = decode(body, list[Day])
    if strange := sorted({day.symbol for day in days} - set(asked)):
        raise Unreadable(f"asked for symbols, got {strange[0][:40]}")
    return [
        Price(
            ticker=day.symbol,
            price=day.last_price,
            observed_at=moment(day.close_time),
            bid=positive(day.bid_price),
            ask=positive(day.ask_price),
            open=positive(day.open_price),
            high=positive(day.high_price),
            low=positive(day.low_price),
            close=day.last_price,
            volume=day.volume,
            change=day.price_change_percent,
        )
        for day in days
        if day.last_price
    ]
