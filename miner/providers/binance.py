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
from functools import partial
from math import ceil
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlencode

import msgspec

from markets.messages import Message
from markets.records import Bar, Listed, Price
from miner.fetch import http
from miner.fetch.errors import Refused, UnknownTicker, Unreadable
from miner.fetch.parsing import RefusedRecords, count_of, decode, moment, only, positive, sound
from miner.providers.base import CandleSource, ListingSource, QuoteSource, gettext_noop

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


class Kline(msgspec.Struct, array_like=True):
    """A candle as an array; columns that may come to stand behind these are ignored."""

    opened: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: int
    quote_volume: Any
    trades: int
    # These nobody needs, but a row without them has lost a column, and it is unknown which one.
    taker_volume: Any
    taker_quote_volume: Any
    unused: Any


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
    symbols: list[msgspec.Raw]
    rate_limits: list[msgspec.Raw] = []


class Binance(CandleSource, ListingSource, QuoteSource):
    code = "binance"
    name = "Binance.US"
    url = "https://www.binance.us/"
    unit = "USDT za 1 monetę"
    limits = "waga 1200 na minutę, 1000 świec w jednym zapytaniu"
    licence = gettext_noop("Publiczne API Binance.US; wymagane podanie źródła")
    attribution = gettext_noop("Dane: Binance.US")
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
        return parse_candles(self.ask("klines", params), ticker, timeframe, self.refused)

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
            prices += parse_quotes(self.ask("ticker/24hr", {"symbols": symbols}), group, self.refused)
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
        self.allowed = weight_of(exchange.rate_limits, self.refused) or self.allowed
        symbols = sound(exchange.symbols, partial(decode, shape=Symbol), self.refused, "symbol")
        return [symbol for symbol in symbols if symbol.status == "TRADING"]

    def ask(self, path: str, params: Mapping[str, str]) -> bytes:
        query = f"?{urlencode(params, quote_via=quote)}" if params else ""
        try:
            answer = http.fetch(f"{self.base_url}api/v3/{path}{query}")
        except Refused as error:
            if error.status == 400 and INVALID_SYMBOL in error.body.replace(" ", ""):
                raise UnknownTicker(Message("invalid_symbol", said=str(error)), error.status, error.body) from None
            raise
        used = answer.headers.get(USED, "")
        self.used = int(used) if used.isdecimal() and len(used) < 10 else self.used
        return answer.body


def weight_of(rules: list[msgspec.Raw], refused: RefusedRecords) -> int | None:
    """What a minute allows, if the exchange says so: what is listed counts without it."""
    try:
        limits = sound(rules, partial(decode, shape=Limit), refused, "rateLimitType")
    except Unreadable as error:
        refused["rateLimits"] = str(error)
        return None
    usual = ("REQUEST_WEIGHT", "MINUTE", 1)
    return next((one.limit for one in limits if (one.rate_limit_type, one.interval, one.interval_num) == usual), None)


def parse_candles(body: bytes, ticker: str, timeframe: str, refused: RefusedRecords) -> list[Bar]:
    """The candles as they stand, ascending by opening; what cannot be a candle is for the rules to refuse."""
    faults: RefusedRecords = {}
    bars = sound(decode(body, list[msgspec.Raw]), partial(bar_of, ticker=ticker, timeframe=timeframe), faults, 0)
    refused.update({f"{ticker} {timeframe} {opened}": reason for opened, reason in faults.items()})
    return sorted(bars, key=lambda bar: bar.open_time)


def bar_of(element: msgspec.Raw, ticker: str, timeframe: str) -> Bar:
    row = decode(element, Kline)
    prices = (row.open, row.high, row.low, row.close)
    return Bar(ticker, timeframe, moment(row.opened), moment(row.closed), *prices, row.volume, row.trades)


def parse_quotes(body: bytes, asked: Sequence[str], refused: RefusedRecords) -> list[Price]:
    """The prices that were asked for; a symbol that was never traded has none."""
    prices = [price for price in sound(decode(body, list[msgspec.Raw]), price_of, refused, "symbol") if price]
    wanted = only(asked, {price.ticker for price in prices})
    return [price for price in prices if price.ticker in wanted]


def price_of(element: msgspec.Raw) -> Price | None:
    day = decode(element, Day)
    if not day.last_price:
        return None
    return Price(
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
