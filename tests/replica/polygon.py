"""Polygon.io, now Massive: snapshots and aggregates of forex, metals and crypto.

Any key but `wrong` is a good one; `free` is that of the free plan: no snapshots, no unfinished day, 5 calls a minute.
Where the record is silent the replica decides: forex and metals never close, at weekends neither; snapshots are not
emptied at midnight in New York unless a ticker is removed; a single snapshot of an unknown ticker answers as the other
endpoints do. `updated` lies in the future, at the next midnight in New York, for every ticker whose CRC-32 is odd.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from tests.replica.answer import Answer, Refused, as_json, text, with_headers
from tests.replica.bars import Bid, Ticker, bar, bars, listed, quote, rounded, seen, trade, updated
from tests.replica.candles import DAY, MONTH, WEEK, Grid, candles
from tests.replica.service import Service
from tests.replica.walk import MINUTE
from tests.replica.windows import Window
from tests.replica.wire import Request

MS, NS = 1000, 1_000_000_000
FREE_CALLS = 5
MOST_TICKERS = 250
TICKER = r"(?P<ticker>[^/]+)"
SNAPSHOT = r"/v2/snapshot/locale/global/markets/(?P<market>forex|crypto)/tickers"
NO_PLAN = "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing"
TOO_MANY = (
    "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue. "
    "https://massive.com/pricing"
)
SPANS = {
    "minute": Grid(1), "hour": Grid(60), "day": Grid(DAY), "week": WEEK, "month": MONTH, "quarter": Grid(0, 0, 3),
    "year": Grid(0, 0, 12),
}  # fmt: skip
TYPES = {"forex": "fx", "crypto": "crypto"}
# Aggregates reach back to here.
BEGINNING = int(datetime(2019, 1, 1, tzinfo=UTC).timestamp()) // MINUTE
RANGE = r"range/(?P<count>\d{1,4})/(?P<span>[a-z]+)/(?P<start>[\d-]+)/(?P<end>[\d-]+)"


class Polygon(Service):
    """`calls` is how many a minute each key has; the free one has its own number unless it is among them."""

    name = "polygon"
    base = "/"
    told: ClassVar = ("bid", "remove", "restore")

    def __init__(self, calls: Mapping[str, int] | None = None) -> None:
        self._windows = {key: Window(limit) for key, limit in {"free": FREE_CALLS, **(calls or {})}.items()}
        self._tickers = listed()
        self._removed: set[str] = set()
        self._bids: dict[str, Bid] = {}
        self._asked = 0

    def bid(self, ticker: str, how: Bid) -> None:
        self._bids[ticker] = how

    def remove(self, ticker: str) -> None:
        """Nothing is known of it for a while, as after midnight in New York."""
        self._removed.add(ticker)

    def restore(self, ticker: str) -> None:
        self._removed.discard(ticker)

    def answer(self, request: Request, now: datetime) -> Answer:
        self._asked += 1
        number = hashlib.blake2b(f"{self._asked}".encode(), digest_size=16).hexdigest()
        try:
            found = as_json(self.found(request, now.timestamp(), number))
        except Refused as refused:
            found = refused.answer
        return with_headers(found, {"X-Request-ID": number})

    def found(self, request: Request, moment: float, number: str) -> Any:
        routes: dict[str, Callable[..., Any]] = {
            rf"{SNAPSHOT}": self.snapshots,
            rf"{SNAPSHOT}/{TICKER}": self.snapshot,
            "/v3/snapshot": self.universal,
            rf"/v2/aggs/ticker/{TICKER}/prev": self.previous,
            rf"/v2/aggs/ticker/{TICKER}/{RANGE}": self.range,
        }
        for route, method in routes.items():
            if request.method == "GET" and (fits := re.fullmatch(route, request.path)):
                self.admit(request, moment, number)
                return method(request, moment, number, **fits.groupdict())
        raise Refused(text(404, "404 page not found"))

    def admit(self, request: Request, moment: float, number: str) -> None:
        key = key_of(request)
        if not key or key == "wrong":
            raise wrong(401, number, "Unknown API Key" if key else "API Key was not provided")
        if key in self._windows and not self._windows[key].take(moment):
            raise wrong(429, number, TOO_MANY)
        if key == "free" and "snapshot" in request.path:
            raise told(403, "NOT_AUTHORIZED", number, NO_PLAN)

    def ticker(self, name: str, number: str, market: str = "") -> Ticker:
        if not re.fullmatch(r"[A-Za-z]:[A-Za-z0-9.-]+", name):
            raise wrong(400, number, "Ticker was incorrectly formatted")
        ticker = self.known(name)
        if ticker is None or (market and ticker.market != market):
            raise told(404, "NOT_FOUND", number, "Ticker not found.")
        return ticker

    def known(self, name: str) -> Ticker | None:
        return None if name in self._removed else self._tickers.get(name)

    def snapshot(self, request: Request, moment: float, number: str, market: str, ticker: str) -> Any:
        shot = self.shot(self.ticker(ticker, number, market), moment)
        return {"request_id": number, "status": "OK", "ticker": shot}

    def snapshots(self, request: Request, moment: float, number: str, market: str) -> Any:
        """What is not known is left out."""
        names = [name for name in request.query.get("tickers", "").split(",") if name]
        found = [ticker for name in names or self._tickers if (ticker := self.known(name))]
        return {"status": "OK", "tickers": [self.shot(one, moment) for one in found if one.market == market]}

    def shot(self, ticker: Ticker, moment: float) -> dict[str, Any]:
        before, day, minute = bars(ticker, moment)
        crypto = ticker.market == "crypto"
        last = trade(ticker, moment) if crypto else quote(ticker, moment, self._bids.get(ticker.name, "right"))
        price = last.get("p" if crypto else "b") or 0.0
        previous = bar(ticker, before, weighted=crypto) | ({} if crypto else {"vw": 0})
        return {
            "day": bar(ticker, day, weighted=crypto),
            "lastTrade" if crypto else "lastQuote": last,
            "min": {**bar(ticker, minute, weighted=crypto), "n": minute.trades, "t": minute.opening * MINUTE * MS},
            "prevDay": previous,
            "ticker": ticker.name,
            "todaysChange": round(price - previous["c"], 10) if price else 0,
            "todaysChangePerc": (price - previous["c"]) / previous["c"] * 100 if price else 0,
            "updated": updated(ticker.name, moment),
        }

    def universal(self, request: Request, moment: float, number: str) -> Any:
        query = unrolled(request.query)
        names = [name for name in query.get("ticker.any_of", query.get("ticker", "")).split(",") if name]
        if len(names) > MOST_TICKERS:
            raise wrong(400, number, f"The number of tickers exceeds the limit of {MOST_TICKERS}")
        kinds = {kind: market for market, kind in TYPES.items()}
        market = kinds.get(query.get("type", ""), "")
        names = names or [name for name, one in self._tickers.items() if not market or one.market == market]
        if query.get("sort") == "ticker" or "order" in query:
            names.sort(reverse=query.get("order") == "desc")
        size, first = min(MOST_TICKERS, int(query.get("limit", "10"))), int(query.get("first", "0"))
        results = [self.element(name, moment) for name in names[first : first + size]]
        answer = {"request_id": number, "results": results, "status": "OK"}
        if first + size < len(names):
            answer["next_url"] = next_url(request, {**query, "first": str(first + size)})
        return answer

    def element(self, name: str, moment: float) -> dict[str, Any]:
        ticker = self.known(name)
        if ticker is None:
            return {"ticker": name, "error": "NOT_FOUND", "message": "Ticker not found."}
        before, day, _ = bars(ticker, moment)
        said, crypto = quote(ticker, moment, self._bids.get(ticker.name, "right")), ticker.market == "crypto"
        price = rounded(ticker.pair.at(moment)) if crypto else said.get("b") or rounded(day.close)
        previous = rounded(before.close)
        session = {
            "change": round(price - previous, 10),
            "change_percent": (price - previous) / previous * 100,
            "close": rounded(day.close),
            "high": rounded(day.high),
            "low": rounded(day.low),
            "open": rounded(day.open),
            "previous_close": previous,
            **({"price": price, "volume": round(day.volume, 8)} if crypto else {}),
        }
        stamp = seen(ticker, moment) * (NS // MS)
        sides = {side: said[key] for key, side in (("a", "ask"), ("b", "bid")) if key in said}
        last = (
            {"last_trade": {"price": price, "size": trade(ticker, moment)["s"], "last_updated": stamp}}
            if crypto
            else {"last_quote": {**sides, "last_updated": stamp, "timeframe": "REAL-TIME"}}
        )
        kind = {"market_status": "open", "type": TYPES[ticker.market]}
        return {**last, **kind, "name": f"{ticker.pair.base} - {ticker.pair.quote}", "session": session, "ticker": name}

    def previous(self, request: Request, moment: float, number: str, ticker: str) -> Any:
        found = self.ticker(ticker, number)
        before = bars(found, moment)[0]
        times = {"t": before.closing * MINUTE * MS - 1, "n": before.trades}
        return aggregates(ticker, number, [{"T": ticker, **bar(found, before, weighted=True), **times}])

    def range(
        self, request: Request, moment: float, number: str, ticker: str, count: str, span: str, start: str, end: str
    ) -> Any:
        found = self.ticker(ticker, number)
        if span not in SPANS or int(count) < 1:
            raise wrong(400, number, f"Could not parse the timespan {count} {span}")
        one = SPANS[span]
        grid = Grid(one.minutes * int(count), one.offset, one.months * int(count))
        first, last = max(BEGINNING, limit(start, number)), limit(end, number, DAY - 1)
        if key_of(request) == "free":
            last = min(last, int(moment // MINUTE) // DAY * DAY - 1)
        numbers = range(grid.number(first), grid.number(last) + 1)
        rows = candles(found.pair, found.busy, grid, numbers, moment)
        if request.query.get("sort", "asc") == "desc":
            rows.reverse()
        rows = rows[: min(50_000, int(request.query.get("limit", "5000")))]
        results = [
            {**bar(found, row, weighted=True), "t": row.opening * MINUTE * MS, "n": row.trades}
            for row in rows
            if row.trades
        ]
        return aggregates(ticker, number, results)


def wrong(status: int, number: str, message: str) -> Refused:
    """The text of an ERROR stands under `error`, that of the others under `message`."""
    return Refused(as_json({"status": "ERROR", "request_id": number, "error": message}, status))


def told(status: int, word: str, number: str, message: str) -> Refused:
    return Refused(as_json({"status": word, "request_id": number, "message": message}, status))


def key_of(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ") or request.query.get("apiKey", "")


def limit(text: str, number: str, until: int = 0) -> int:
    """The minute of a bound: milliseconds, or a day (to its last minute, for an end)."""
    if text.isdecimal():
        return int(text) // MS // MINUTE
    try:
        return int(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC).timestamp()) // MINUTE + until
    except ValueError:
        raise wrong(400, number, f"Could not parse the time parameter: '{text}'") from None


def aggregates(ticker: str, number: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Without any result there is no list of them."""
    counts = {"queryCount": len(results), "resultsCount": len(results), "adjusted": True}
    found = {"results": results, "count": len(results)} if results else {}
    return {"ticker": ticker, **counts, **found, "status": "OK", "request_id": number}


def next_url(request: Request, query: dict[str, str]) -> str:
    """The rest of the query is hidden in a cursor; the key is not in it."""
    asked = {name: value for name, value in query.items() if name != "apiKey"}
    cursor = base64.urlsafe_b64encode(json.dumps(asked).encode()).decode()
    return f"http://{request.headers.get('host', '')}/v3/snapshot?cursor={cursor}"


def unrolled(query: dict[str, str]) -> dict[str, str]:
    if "cursor" not in query:
        return query
    known: dict[str, str] = json.loads(base64.urlsafe_b64decode(query["cursor"]))
    return known
