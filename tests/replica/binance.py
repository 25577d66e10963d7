"""Binance.US, the public market data of its REST API.

Where the record is silent the replica decides: a `limit` above 1000 counts as 1000; bounds of klines are inclusive; a
range without candles, a reversed one too, is `[]`; a pair without trades keeps its last price in flat candles of volume
zero; the third request that ignores a 429 earns the first ban, of two minutes, and each further ban is twice as long.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

from tests.replica.answer import Answer, Refused, as_json, text, with_headers
from tests.replica.candles import DAY, MONTH, WEEK, Candle, Grid, candles
from tests.replica.coins import COINS, level
from tests.replica.service import Service
from tests.replica.walk import MINUTE, Pair
from tests.replica.windows import Window
from tests.replica.wire import Request

INTERVALS = {
    **{f"{n}m": Grid(n) for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": Grid(n * 60) for n in (1, 2, 4, 6, 8, 12)},
    "1d": Grid(DAY),
    "3d": Grid(3 * DAY),
    "1w": WEEK,
    "1M": MONTH,
}
# The year in which a coin was listed, where that was after the venue's opening of September 2019.
LISTED = {"SUI": 2023, "APT": 2022, "ARB": 2023, "OP": 2022, "SEI": 2023, "TIA": 2023, "POL": 2024, "PEPE": 2024}
# How busy the book of each quote is, measured by that against USDT.
QUOTES = {"USDT": 1.0, "USD": 0.4, "USDC": 0.3, "BTC": 0.1}
SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
SYMBOLS = r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$'
NUMBER = "^[0-9]{1,20}$"
IGNORED = 3  # requests after a 429 before the ban
FIRST_BAN, LONGEST_BAN = 120, 3 * 86_400
MS = 1000


class Market(NamedTuple):
    symbol: str
    pair: Pair
    busy: float
    first: int

    @property
    def decimals(self) -> int:
        """Of its prices; the cheaper the coin the finer."""
        price = level(self.pair.base)[0] / level(self.pair.quote)[0]
        return min(8, max(2, 4 - math.floor(math.log10(price))))


def listed() -> dict[str, Market]:
    markets = {}
    for base, coin in COINS.items():
        first = int(datetime(LISTED.get(base, 2019), 9, 24, tzinfo=UTC).timestamp()) // MINUTE
        for quote, share in QUOTES.items():
            wide = quote != "BTC" or coin.trades >= 1
            if base not in {quote, "XMR", "DAI"} and wide and (base, quote) != ("USDT", "USDC"):
                markets[base + quote] = Market(base + quote, Pair(base, quote), coin.trades * share, first)
    return markets


def wrong(code: int, message: str, status: int = 400) -> Refused:
    return Refused(as_json({"code": code, "msg": message}, status))


class Binance(Service):
    """`limit` is the pool of weight per minute."""

    name = "binance"
    base = "/"
    told: ClassVar = ("delist", "relist", "halt")
    faults: ClassVar = {
        "firewall": lambda _: text(403, "403 Forbidden"),
        "blocked": lambda _: as_json(
            {"code": 0, "msg": "Service unavailable from a restricted location according to the terms of use."}, 451
        ),
        "busy": lambda _: as_json({"code": -1001, "msg": "Internal error; unable to process your request."}, 503),
    }

    def __init__(self, limit: int = 1200) -> None:
        self.weight = Window(limit)
        self.markets = listed()
        self._gone: dict[str, Market] = {}
        self._halted: set[str] = set()
        self._ignored = 0
        self._banned_until, self._next_ban = 0.0, FIRST_BAN

    def delist(self, symbol: str) -> None:
        """It is unknown from now on, as if it had never been."""
        self._gone[symbol] = self.markets.pop(symbol)

    def relist(self, symbol: str) -> None:
        self._halted.discard(symbol)
        if symbol in self._gone:
            self.markets[symbol] = self._gone.pop(symbol)

    def halt(self, symbol: str) -> None:
        """Still known, its candles too, but not traded: status BREAK."""
        self._halted.add(symbol)

    def answer(self, request: Request, now: datetime) -> Answer:
        moment = now.timestamp()
        try:
            answer, weight = self.found(request, moment), self.weight_of(request)
        except Refused as refused:
            answer, weight = refused.answer, 1
        answer = self.limited(answer, weight, moment)
        used = str(self.weight.used)
        return with_headers(answer, {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used})

    def limited(self, answer: Answer, weight: int, moment: float) -> Answer:
        if moment < self._banned_until:
            return self.ban(moment)
        if self.weight.take(moment, weight):
            self._ignored = 0
            return answer
        self._ignored += 1
        if self._ignored > IGNORED:
            self._ignored, self._banned_until = 0, moment + self._next_ban
            self._next_ban = min(2 * self._next_ban, LONGEST_BAN)
            return self.ban(moment)
        said = (
            f"Too much request weight used; current limit is {self.weight.limit} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return as_json({"code": -1003, "msg": said}, 429, {"Retry-After": str(self.weight.wait(moment))})

    def ban(self, moment: float) -> Answer:
        until = int(self._banned_until * MS)
        said = (
            f"Way too much request weight used; IP banned until {until}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        wait = math.ceil(self._banned_until - moment)
        return as_json({"code": -1003, "msg": said}, 418, {"Retry-After": str(wait)})

    def weight_of(self, request: Request) -> int:
        path, query = request.path, request.query
        if path.endswith("/exchangeInfo"):
            return 10
        if path.endswith("/ticker/price"):
            return 1 if "symbol" in query else 2
        if path.endswith("/ticker/24hr"):
            asked = len(json.loads(query["symbols"])) if "symbols" in query else 0
            return 1 if "symbol" in query or 1 <= asked <= 20 else 20 if 21 <= asked <= 100 else 40
        return 1

    def found(self, request: Request, moment: float) -> Answer:
        routes: dict[str, tuple[Callable[[dict[str, str], float], Any], set[str]]] = {
            "ping": (lambda *_: {}, set()),
            "time": (lambda _, moment: {"serverTime": int(moment * MS)}, set()),
            "exchangeInfo": (self.exchange, {"symbol", "symbols", "permissions"}),
            "klines": (self.klines, {"symbol", "interval", "startTime", "endTime", "limit"}),
            "ticker/price": (self.prices, {"symbol", "symbols"}),
            "ticker/24hr": (self.days, {"symbol", "symbols", "type"}),
        }
        place = request.path.removeprefix("/api/v3/")
        if place not in routes or not request.path.startswith("/api/v3/"):
            raise Refused(text(404, "Not Found"))
        if request.method != "GET":
            raise Refused(text(405, "Method Not Allowed"))
        route, known = routes[place]
        sent = set(request.query)
        if sent - known:
            counts = f"read '{len(sent & known)}' parameter(s) but was sent '{len(sent)}'"
            raise wrong(-1104, f"Not all sent parameters were read; {counts}.")
        if empty := sorted(name for name, value in request.query.items() if not value):
            raise wrong(-1105, f"Parameter '{empty[0]}' was empty.")
        return as_json(route(request.query, moment))

    def market(self, symbol: str) -> Market:
        if not re.fullmatch(SYMBOL, symbol):
            raise illegal("symbol", SYMBOL)
        if symbol not in self.markets:
            raise wrong(-1121, "Invalid symbol.")
        return self.markets[symbol]

    def asked(self, query: dict[str, str]) -> list[Market]:
        if {"symbol", "symbols"} <= set(query):
            raise wrong(-1128, "Combination of optional parameters invalid.")
        if "symbol" in query:
            return [self.market(query["symbol"])]
        if "symbols" not in query:
            return list(self.markets.values())
        if not re.fullmatch(SYMBOLS, query["symbols"]):
            raise illegal("symbols", SYMBOLS)
        return [self.market(symbol) for symbol in json.loads(query["symbols"])]

    def exchange(self, query: dict[str, str], moment: float) -> dict[str, Any]:
        return {
            "timezone": "UTC",
            "serverTime": int(moment * MS),
            "rateLimits": [
                limit("REQUEST_WEIGHT", "MINUTE", 1, self.weight.limit or 0),
                limit("ORDERS", "SECOND", 10, 100),
                limit("ORDERS", "DAY", 1, 200_000),
                limit("RAW_REQUESTS", "MINUTE", 5, 5000),
            ],
            "exchangeFilters": [],
            "symbols": [self.described(market) for market in self.asked(query)],
        }

    def described(self, market: Market) -> dict[str, Any]:
        return {
            "symbol": market.symbol,
            "status": "BREAK" if market.symbol in self._halted else "TRADING",
            "baseAsset": market.pair.base,
            "baseAssetPrecision": 8,
            "quoteAsset": market.pair.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": [{"filterType": "PRICE_FILTER", "tickSize": f"{10**-market.decimals:.8f}"}],
            "permissions": ["SPOT"],
        }

    def klines(self, query: dict[str, str], moment: float) -> list[list[Any]]:
        for name in ("symbol", "interval"):
            if name not in query:
                raise wrong(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        market = self.market(query["symbol"])
        grid = INTERVALS.get(query["interval"])
        if grid is None:
            raise wrong(-1120, "Invalid interval.")
        count = whole(query, "limit", 500)
        if count == 0:
            raise wrong(-1130, "Data sent for parameter 'limit' is not valid.")
        numbers = chosen(grid, market.first, query, min(count, 1000), moment)
        decimals = market.decimals
        return [row(candle, decimals) for candle in candles(market.pair, market.busy, grid, numbers, moment)]

    def prices(self, query: dict[str, str], moment: float) -> Any:
        found = [
            {"symbol": market.symbol, "price": written(self.last_day(market, moment).close, market.decimals)}
            for market in self.asked(query)
        ]
        return found[0] if "symbol" in query else found

    def days(self, query: dict[str, str], moment: float) -> Any:
        kind = query.get("type", "FULL")
        if kind not in {"FULL", "MINI"}:
            raise wrong(-1130, "Data sent for parameter 'type' is not valid.")
        found = [ticker(market, self.last_day(market, moment), moment, kind) for market in self.asked(query)]
        return found[0] if "symbol" in query else found

    def last_day(self, market: Market, moment: float) -> Candle:
        """The 24 hours up to now as one candle."""
        minute = int(moment // MINUTE)
        return candles(market.pair, market.busy, Grid(DAY, minute - DAY + 1), range(1), moment)[0]


def illegal(name: str, legal: str) -> Refused:
    return wrong(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def limit(kind: str, interval: str, count: int, most: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": most}


def whole(query: dict[str, str], name: str, default: int) -> int:
    if name not in query:
        return default
    if not re.fullmatch(NUMBER, query[name], re.ASCII):
        raise illegal(name, NUMBER)
    return int(query[name])


def chosen(grid: Grid, listing: int, query: dict[str, str], count: int, moment: float) -> range:
    """The first `count` from a start on, the last `count` without one."""
    now = grid.number(int(moment // MINUTE))
    first = grid.number(listing)
    last = min(now, grid.number(whole(query, "endTime", int(moment * MS)) // MS // MINUTE))
    if "startTime" not in query:
        return range(max(first, last - count + 1), last + 1)
    start = min(whole(query, "startTime", 0), int(moment * MS) + MS * MINUTE)
    number = grid.number(start // MS // MINUTE)
    late = grid.opening(number) * MINUTE * MS < start
    number = max(first, number + late)
    return range(number, min(number + count, last + 1))


def written(value: float, decimals: int = 8) -> str:
    return f"{round(value, decimals):.8f}"


def row(candle: Candle, decimals: int) -> list[Any]:
    prices = (written(price, decimals) for price in (candle.open, candle.high, candle.low, candle.close))
    return [
        candle.opening * MINUTE * MS,
        *prices,
        written(candle.volume),
        candle.closing * MINUTE * MS - 1,
        written(candle.turnover),
        candle.trades,
        written(candle.volume * candle.taken),
        written(candle.turnover * candle.taken),
        "0",
    ]


def ticker(market: Market, day: Candle, moment: float, kind: str) -> dict[str, Any]:
    decimals, first = market.decimals, int(day.opening * max(market.busy, 1.0))
    prices = {
        "openPrice": written(day.open, decimals),
        "highPrice": written(day.high, decimals),
        "lowPrice": written(day.low, decimals),
        "lastPrice": written(day.close, decimals),
    }
    rest = {
        "volume": written(day.volume),
        "quoteVolume": written(day.turnover),
        "openTime": int(moment * MS) - DAY * MINUTE * MS,
        "closeTime": int(moment * MS),
        "firstId": first if day.trades else -1,
        "lastId": first + day.trades - 1 if day.trades else -1,
        "count": day.trades,
    }
    if kind == "MINI":
        return {"symbol": market.symbol, **prices, **rest}
    gap = day.close * 0.0002 + 10**-decimals
    more = {
        "priceChange": written(day.close - day.open, decimals),
        "priceChangePercent": f"{(day.close / day.open - 1) * 100:.3f}",
        "weightedAvgPrice": written(day.turnover / day.volume if day.volume else 0.0, decimals),
        "prevClosePrice": written(day.open, decimals),
        "lastQty": written(day.volume / max(day.trades, 1)),
        "bidPrice": written(day.close - gap, decimals),
        "bidQty": written(day.volume / 500),
        "askPrice": written(day.close + gap, decimals),
        "askQty": written(day.volume / 400),
    }
    return {"symbol": market.symbol, **more, **prices, **rest}
