"""CoinGecko API v3 for callers without a key and with a demo key.

Where the record is silent the replica decides: any key but `wrong` is a good one; callers without a key have 30 calls
a minute; every unknown quote is refused, also beside known ones; `range` has no pair of "now" at its end.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import numpy as np

from tests.replica.answer import Answer, Refused, as_json, text, with_headers
from tests.replica.candles import DAY
from tests.replica.coins import CODES_BY_ID, COINS, CURRENCIES, METALS
from tests.replica.markets import OLD, change, coin_row, day_volume
from tests.replica.service import Service
from tests.replica.walk import MINUTE, Minutes, Pair, chance
from tests.replica.windows import Window
from tests.replica.wire import Request

MS = 1000
QUOTES = {code.lower(): code for code in ("USD", "BTC", "ETH", "BNB", "XRP", "LTC", "BCH", *CURRENCIES, *METALS)}
LONGEST_DAYS = 365
DAY_IS_OUT = 35  # minutes after midnight, UTC
HOURLY_UP_TO = 90
SLUG = r"[a-z0-9-]+"
RATE_LIMIT = (
    "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to subscribe to our API "
    "plans for higher rate limits."
)
TOO_OLD = (
    "Your request exceeds the allowed time range. Public API users are limited to querying historical data within the "
    "past 365 days. Upgrade to a paid plan to enjoy full historical data access: "
    "https://www.coingecko.com/en/api/pricing."
)
WRONG_HOST = "If you are using Pro API key, please change your root URL to pro-api.coingecko.com"
Query = dict[str, str]


def wrong(status: int, message: str) -> Refused:
    return Refused(as_json({"error": message}, status))


def coded(status: int, code: int, message: str) -> Answer:
    return as_json({"status": {"error_code": code, "error_message": message}}, status)


class CoinGecko(Service):
    """`keyless` and `demo` are calls a minute; None is without a limit."""

    name = "coingecko"
    base = "/api/v3/"
    told: ClassVar = ("stale", "delist")
    faults: ClassVar = {
        "cloudflare": lambda _: text(429, "error code: 1015"),
        "error-200": lambda _: as_json({"error": "an error with a good status"}),
    }

    def __init__(self, keyless: int | None = 30, demo: int | None = 100) -> None:
        self._keyless, self._demo = Window(keyless), Window(demo)
        self._stale: set[str] = set()
        self._gone: set[str] = set()

    def stale(self, coin: str) -> None:
        """Nobody trades it any more: an old price, and no change in 24 hours."""
        self._stale.add(coin)

    def delist(self, coin: str) -> None:
        self._gone.add(coin)

    def answer(self, request: Request, now: datetime) -> Answer:
        key = request.headers.get("x-cg-demo-api-key") or request.query.get("x_cg_demo_api_key", "")
        window, moment = (self._demo if key else self._keyless), now.timestamp()
        if not window.take(moment):
            return with_headers(coded(429, 429, RATE_LIMIT), {"Retry-After": str(window.wait(moment))})
        if "x-cg-pro-api-key" in request.headers:
            return coded(400, 10010, WRONG_HOST)
        if key == "wrong":
            return coded(401, 10002, "API Key Missing")
        try:
            return as_json(self.found(request, moment))
        except Refused as refused:
            return refused.answer

    def found(self, request: Request, moment: float) -> Any:
        routes: dict[str, Callable[..., Any]] = {
            "ping": lambda *_: {"gecko_says": "(V3) To the Moon!"},
            "simple/price": self.simple,
            "coins/list": self.listing,
            "coins/markets": self.markets,
            rf"coins/(?P<coin>{SLUG})/market_chart": self.chart,
            rf"coins/(?P<coin>{SLUG})/market_chart/range": self.chart_range,
        }
        path = request.path.removeprefix("/api/v3/").removesuffix("/")
        for route, method in routes.items():
            if request.method == "GET" and (fits := re.fullmatch(route, path)):
                return method(request.query, moment, **fits.groupdict())
        raise wrong(404, "Incorrect path. Please check https://docs.coingecko.com/")

    def known(self) -> dict[str, str]:
        return {coin: code for coin, code in CODES_BY_ID.items() if coin not in self._gone}

    def asked(self, query: Query) -> list[str]:
        """Ids of coins that exist, in the order asked; all of them where nothing says which."""
        for place, way in enumerate(("ids", "symbols", "names")):
            if query.get(way):
                known = self.known().items()
                wanted = {(coin, code.lower(), COINS[code].name.lower())[place]: coin for coin, code in known}
                names = [name.strip().lower() for name in query[way].split(",")]
                return [wanted[name] for name in dict.fromkeys(names) if name in wanted]
        return list(self.known())

    def simple(self, query: Query, moment: float) -> Any:
        if not query.get("vs_currencies"):
            raise wrong(422, "Missing parameter vs_currencies")
        if not any(query.get(way) for way in ("ids", "names", "symbols")):
            raise wrong(422, "Missing parameter ids")
        quotes = [quote_of(name) for name in query["vs_currencies"].split(",")]
        return {coin: self.priced(coin, quotes, query, moment) for coin in self.asked(query)}

    def seen(self, coin: str, moment: float) -> int:
        """When its price in the cache of 60 s was taken."""
        return int(moment // MINUTE) * MINUTE - (OLD if coin in self._stale else 0)

    def priced(self, coin: str, quotes: list[str], query: Query, moment: float) -> dict[str, Any]:
        code, seen, row = CODES_BY_ID[coin], self.seen(coin, moment), dict[str, Any]()
        for quote in quotes:
            name, price = quote.lower(), Pair(code, quote).at(seen)
            row[name] = figure(price, query.get("precision"))
            if asks(query, "include_market_cap"):
                row[f"{name}_market_cap"] = price * COINS[code].supply * 1e6
            if asks(query, "include_24hr_vol"):
                row[f"{name}_24h_vol"] = day_volume(code, quote, seen)
            if asks(query, "include_24hr_change"):
                row[f"{name}_24h_change"] = None if coin in self._stale else change(code, quote, seen, DAY)
        if asks(query, "include_last_updated_at"):
            row["last_updated_at"] = seen
        return row

    def listing(self, query: Query, moment: float) -> Any:
        return [{"id": coin, "symbol": code.lower(), "name": COINS[code].name} for coin, code in self.known().items()]

    def markets(self, query: Query, moment: float) -> Any:
        if not query.get("vs_currency"):
            raise wrong(422, "Missing parameter vs_currency")
        quote = quote_of(query["vs_currency"])
        spans = [span for span in query.get("price_change_percentage", "").split(",") if span]
        rows = [
            coin_row(
                coin,
                CODES_BY_ID[coin],
                quote,
                self.seen(coin, moment),
                spans,
                stale=coin in self._stale,
                sparkline=asks(query, "sparkline"),
            )
            for coin in self.asked(query)
        ]
        rows.sort(key=lambda row: -row["market_cap"])
        for rank, row in enumerate(rows, start=1):
            row["market_cap_rank"] = rank
        kind, _, way = query.get("order", "market_cap_desc").rpartition("_")
        keys = {"market_cap": "market_cap", "volume": "total_volume", "id": "id"}
        rows.sort(key=lambda row: row[keys.get(kind, "market_cap")], reverse=way == "desc")
        size, page = min(250, positive(query, "per_page", 100)), positive(query, "page", 1)
        return rows[(page - 1) * size : page * size]

    def chart(self, query: Query, moment: float, coin: str) -> Any:
        code, quote = self.charted(query, coin)
        days = query.get("days", "")
        if not days:
            raise wrong(422, "Missing parameter days")
        if days != "max" and not days.isdecimal():
            raise wrong(400, "invalid days")
        if days == "max" or int(days) > LONGEST_DAYS:
            raise too_old(moment)
        now = int(moment // MINUTE)
        stamps = stamped(code, now - int(days) * DAY, now, step_of(int(days), query.get("interval", "")))
        return series(code, quote, [*stamps, moment])

    def chart_range(self, query: Query, moment: float, coin: str) -> Any:
        code, quote = self.charted(query, coin)
        if missing := [name for name in ("from", "to") if not query.get(name)]:
            raise wrong(422, f"Missing parameter {missing[0]}")
        start, end = seconds(query["from"]), min(seconds(query["to"]), moment)
        if start < moment - (LONGEST_DAYS * DAY + 10) * MINUTE:
            raise too_old(moment)
        step = step_of((end - start) / DAY / MINUTE, query.get("interval", ""))
        first, last = math.ceil(start / MINUTE), int(end // MINUTE)
        found = stamped(code, first, last, step, int(moment // MINUTE))
        return series(code, quote, [stamp for stamp in found if start <= stamp <= end])

    def charted(self, query: Query, coin: str) -> tuple[str, str]:
        if coin not in self.known():
            raise wrong(404, "coin not found")
        if not query.get("vs_currency"):
            raise wrong(422, "Missing parameter vs_currency")
        return CODES_BY_ID[coin], quote_of(query["vs_currency"])


def quote_of(name: str) -> str:
    quote = QUOTES.get(name.strip().lower())
    if quote is None:
        raise wrong(400, "invalid vs_currency")
    return quote


def too_old(moment: float) -> Refused:
    stamp = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    status = {"timestamp": stamp, "error_code": 10012, "error_message": TOO_OLD}
    return Refused(as_json({"error": {"status": status}}, 401))


def asks(query: Query, name: str) -> bool:
    return query.get(name, "").lower() == "true"


def positive(query: Query, name: str, default: int) -> int:
    text = query.get(name, "")
    return max(1, int(text)) if text.isdecimal() else default


def seconds(text: str) -> float:
    """UNIX seconds, or a date in ISO form."""
    try:
        return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise wrong(400, "invalid date") from None


def figure(price: float, precision: str | None = None) -> float:
    """Whole numbers for large prices, six digits of small ones, unless it is said how many."""
    if precision == "full":
        return float(f"{price:.15g}")
    if precision is not None and precision.isdecimal():
        return round(price, min(18, int(precision))) if precision != "0" else round(price)
    return round(price) if price >= 10_000 else float(f"{price:.6g}")


def step_of(days: float, interval: str) -> int:
    """Minutes between two stamps."""
    if interval == "5m":
        raise Refused(coded(401, 10005, "This request is limited to Enterprise API subscribers."))
    if interval in {"hourly", "daily"}:
        return 60 if interval == "hourly" else DAY
    return 5 if days <= 1 else 60 if days <= HOURLY_UP_TO else DAY


def stamped(code: str, first: int, last: int, step: int, now: int | None = None) -> list[float]:
    """Daily stamps stand on midnights that are out, the others somewhere after the beginning of their step."""
    now = last if now is None else now
    places: Minutes = np.arange(-(-first // step), last // step + 1)
    if step == DAY:
        return [float(place) * DAY * MINUTE for place in places if place * DAY + DAY_IS_OUT <= now]
    late = chance(f"{code} stamps", step, places) * step * MINUTE * 0.8
    stamps = np.round(places * step * MINUTE + late, 3)
    return [float(stamp) for stamp in stamps if stamp < last * MINUTE]


def series(code: str, quote: str, stamps: list[float]) -> dict[str, list[list[float]]]:
    """Three parallel lists of pairs, milliseconds and value."""
    times = [int(stamp * MS) for stamp in stamps]
    prices = along(Pair(code, quote), stamps)
    supply = COINS[code].supply * 1e6
    volumes = [day_volume(code, quote, stamp, price) for stamp, price in zip(stamps, prices, strict=True)]
    return {
        "prices": [[time, float(f"{price:.15g}")] for time, price in zip(times, prices, strict=True)],
        "market_caps": [[time, price * supply] for time, price in zip(times, prices, strict=True)],
        "total_volumes": [[time, volume] for time, volume in zip(times, volumes, strict=True)],
    }


def along(pair: Pair, stamps: list[float]) -> list[float]:
    exact = np.array(stamps) / MINUTE
    before = exact.astype(np.int64)
    left, right = pair.on(before), pair.on(before + 1)
    return [float(price) for price in left * (right / left) ** (exact - before)]
