"""Deribit API v2, the public methods about prices, as GET and as JSON-RPC by POST.

Where the record is silent the replica decides: a wrong or missing `index_name` is refused like a wrong instrument name;
the steps of an index chart are 1 minute for an hour, 5 for a day, 10 for two, 2 hours for a month and a day beyond; at
most 5,000 candles come from one call; `all` begins in 2019.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import numpy as np

from tests.replica.answer import Answer, Refused, as_json, text
from tests.replica.candles import DAY, Grid, candles
from tests.replica.coins import COINS
from tests.replica.service import Service
from tests.replica.walk import MINUTE, Pair
from tests.replica.wire import Request

US = 1_000_000
MS = 1000
COINS_OF_INDICES = (
    "ADA", "ALGO", "AVAX", "BCH", "BNB", "BTC", "DOGE", "DOT", "ETH", "LINK", "LTC", "NEAR", "PAXG", "SHIB", "SOL",
    "TON", "TRX", "UNI", "XRP",
)  # fmt: skip
INDICES = {
    "btc_usd": Pair("BTC", "USD"),
    "eth_usd": Pair("ETH", "USD"),
    "btc_eth": Pair("BTC", "ETH"),
    **{f"{coin.lower()}_{quote}": Pair(coin, quote.upper()) for quote in ("usdc", "usdt") for coin in COINS_OF_INDICES},
}
# Of a range in minutes, and of its steps.
RANGES = {"1h": (60, 1), "1d": (DAY, 5), "2d": (2 * DAY, 10), "1m": (30 * DAY, 120), "1y": (365 * DAY, DAY)}
BEGINNING = int(datetime(2019, 1, 1, tzinfo=UTC).timestamp()) // MINUTE
RESOLUTIONS = {**{str(n): Grid(n) for n in (1, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720)}, "1D": Grid(DAY)}
MOST_CANDLES = 5000
SAMPLES = 8  # of the walk in an average
INSTRUMENTS = {
    **{f"{coin}-PERPETUAL": Pair(coin, "USD") for coin in ("BTC", "ETH")},
    **{f"{coin}_USDC-PERPETUAL": Pair(coin, "USDC") for coin in COINS_OF_INDICES},
    **{f"{coin}_{quote}": Pair(coin, quote) for coin in ("BTC", "ETH", "SOL") for quote in ("USDC", "USDT")},
}
MAINTENANCE = {"error": {"code": 11051, "message": "system_maintenance"}}
Params = dict[str, Any]


class Wrong(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str, **data: str) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message, **({"data": data} if data else {})}


def bad(param: str) -> Wrong:
    return Wrong(-32602, "Invalid params", reason="wrong format", param=param)


def too_many(now: datetime) -> Answer:
    error = {"code": 10028, "message": "too_many_requests"}
    return as_json({"jsonrpc": "2.0", "error": error, "testnet": False, **stamps(now)}, 429)


def stamps(now: datetime) -> dict[str, int]:
    """Microseconds: the request in, the answer out. The work in between is invented from the moment."""
    moment = int(now.timestamp() * US)
    spent = 60 + moment // 7 % 1400
    return {"usIn": moment, "usOut": moment + spent, "usDiff": spent}


class Deribit(Service):
    name = "deribit"
    base = "/api/v2/"
    told: ClassVar = ("testnet",)
    faults: ClassVar = {"maintenance": lambda _: as_json(MAINTENANCE, 503), "too-many": too_many}

    def __init__(self) -> None:
        self._testnet = False

    def testnet(self, on: bool) -> None:
        """What the envelope says."""
        self._testnet = on

    def answer(self, request: Request, now: datetime) -> Answer:
        try:
            method, params, given = call(request)
        except Refused as refused:
            return refused.answer
        envelope: dict[str, Any] = {"jsonrpc": "2.0", **given}
        try:
            envelope["result"], status = self.result(method, params, now), 200
        except Wrong as wrong:
            envelope["error"], status = wrong.error, 400
        return as_json({**envelope, **stamps(now), "testnet": self._testnet}, status)

    def result(self, method: str, params: Params, now: datetime) -> Any:
        methods: dict[str, Callable[[Params, float], Any]] = {
            "get_time": lambda _, moment: int(moment * MS),
            "get_index_price": index_price,
            "get_index_price_names": names,
            "get_index_chart_data": index_chart,
            "get_tradingview_chart_data": chart,
        }
        if method not in methods:
            raise Wrong(-32601, "Method not found")
        return methods[method](params, now.timestamp())


def call(request: Request) -> tuple[str, Params, dict[str, Any]]:
    """The method, its parameters, and the id if one was sent."""
    if request.method == "GET" and request.path.startswith("/api/v2/public/"):
        return request.path.removeprefix("/api/v2/public/"), dict(request.query), {}
    if request.method != "POST" or not request.path.startswith("/api/v2"):
        raise Refused(text(404, "Not Found"))
    try:
        body = json.loads(request.body)
        method, params = body["method"].removeprefix("public/"), body.get("params") or {}
        return method, params, {"id": body["id"]} if "id" in body else {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(as_json({"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}}, 400)) from None


def pair_of(params: Params) -> Pair:
    pair = INDICES.get(str(params.get("index_name")))
    if pair is None:
        raise bad("index_name")
    return pair


def index_price(params: Params, moment: float) -> dict[str, float]:
    price = rounded(pair_of(params).at(moment))
    return {"index_price": price, "estimated_delivery_price": price}


def names(params: Params, moment: float) -> list[Any]:
    if str(params.get("extended", "false")).lower() != "true":
        return sorted(INDICES)
    return [{"name": name, "future_combo_creation_enabled": False} for name in sorted(INDICES)]


def index_chart(params: Params, moment: float) -> list[list[float]]:
    """Averages, each under the end of its step; the last one is of the moment."""
    pair, asked, now = pair_of(params), str(params.get("range")), int(moment // MINUTE)
    if asked not in {*RANGES, "all"}:
        raise bad("range")
    length, step = RANGES.get(asked, (now - BEGINNING, DAY))
    ends = np.arange(-(-(now - length) // step) * step, now + 1, step)
    sampled = ends[:, None] - np.arange(0, step, max(1, step // SAMPLES))
    averages = pair.on(sampled.ravel()).reshape(sampled.shape).mean(axis=1)
    return [[int(end) * MINUTE * MS, rounded(float(mean))] for end, mean in zip(ends, averages, strict=True)]


def chart(params: Params, moment: float) -> dict[str, Any]:
    pair = INSTRUMENTS.get(str(params.get("instrument_name")))
    if pair is None:
        raise bad("instrument_name")
    grid = RESOLUTIONS.get(str(params.get("resolution")))
    if grid is None:
        raise bad("resolution")
    start, end = (milliseconds(params, name) // MS // MINUTE for name in ("start_timestamp", "end_timestamp"))
    first = grid.number(max(start, BEGINNING) + grid.minutes - 1)
    numbers = range(first, min(grid.number(end) + 1, first + MOST_CANDLES))
    inverse = pair.quote == "USD"
    found = candles(pair, 30 * COINS[pair.base].trades, grid, numbers, moment)
    return {
        "ticks": [candle.opening * MINUTE * MS for candle in found],
        **{key: [rounded(getattr(candle, key)) for candle in found] for key in ("open", "high", "low", "close")},
        "volume": [round(candle.volume, 8) for candle in found],
        "cost": [round(candle.turnover / 10) * 10.0 if inverse else round(candle.turnover, 6) for candle in found],
        "status": "ok" if found else "no_data",
    }


def milliseconds(params: Params, name: str) -> int:
    text = str(params.get(name, ""))
    if not text.isdecimal():
        raise bad(name)
    return int(text)


def rounded(price: float) -> float:
    return round(price, 2 if price >= 100 else 4 if price >= 1 else 8)
