"""The figures of one ticker as Polygon writes them: bars, the last quote, the last trade."""

import zlib
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from tests.replica.candles import DAY, Candle, Grid, candles
from tests.replica.coins import COINS, CURRENCIES, METALS
from tests.replica.walk import MINUTE, Pair, chance

NEW_YORK = ZoneInfo("America/New_York")
MS = 1000
TICKS_A_MINUTE = 60.0
HALF_SPREAD = {"forex": 0.00002, "crypto": 0.00005}
Bid = Literal["right", "missing", "null", "zero"]


class Ticker(NamedTuple):
    name: str
    market: str
    pair: Pair
    busy: float


def listed() -> dict[str, Ticker]:
    """The majors against every currency, both ways round, the metals, and the coins."""
    every, majors = ["USD", *CURRENCIES], ("USD", "EUR", "GBP", "PLN", "JPY")
    pairs = [Pair(base, quote) for base in every for quote in every if base != quote and {base, quote} & {*majors}]
    pairs += [Pair(metal, quote) for metal in METALS for quote in majors]
    found = [Ticker(f"C:{pair.base}{pair.quote}", "forex", pair, TICKS_A_MINUTE) for pair in pairs]
    for code, coin in COINS.items():
        pairs = [Pair(code, quote) for quote in ("USD", "EUR", "USDT", "USDC") if quote != code]
        found += [Ticker(f"X:{pair.base}{pair.quote}", "crypto", pair, 20 * coin.trades) for pair in pairs]
    return {ticker.name: ticker for ticker in found}


def bars(ticker: Ticker, moment: float) -> tuple[Candle, Candle, Candle]:
    """Of the UTC day before, of today so far, and of the running minute."""
    minute = int(moment // MINUTE)
    today = minute // DAY
    before, day = candles(ticker.pair, ticker.busy, Grid(DAY), range(today - 1, today + 1), moment)
    return before, day, candles(ticker.pair, ticker.busy, Grid(1), range(minute, minute + 1), moment)[0]


def bar(ticker: Ticker, candle: Candle, *, weighted: bool) -> dict[str, Any]:
    """The volume of forex is its number of ticks."""
    volume = round(candle.volume, 8) if ticker.market == "crypto" else candle.trades
    figures: dict[str, Any] = {
        "c": rounded(candle.close),
        "h": rounded(candle.high),
        "l": rounded(candle.low),
        "o": rounded(candle.open),
        "v": volume,
    }
    if weighted:
        figures["vw"] = rounded(candle.turnover / candle.volume if candle.volume else candle.close)
    return figures


def quote(ticker: Ticker, moment: float, how: Bid = "right") -> dict[str, Any]:
    middle, half = ticker.pair.at(moment), HALF_SPREAD[ticker.market]
    ask, bid = rounded(middle * (1 + half)), rounded(middle * (1 - half))
    bids: dict[Bid, dict[str, Any]] = {"right": {"b": bid}, "missing": {}, "null": {"b": None}, "zero": {"b": 0}}
    return {"a": ask, **bids[how], "i": 0, "t": seen(ticker, moment), "x": 48}


def trade(ticker: Ticker, moment: float) -> dict[str, Any]:
    at = seen(ticker, moment)
    size = 0.001 + chance(ticker.name, 1, np.array([at // MS]))[0] * 300 / ticker.pair.at(moment)
    return {"c": [2], "i": str(at), "p": rounded(ticker.pair.at(moment)), "s": round(float(size), 8), "t": at, "x": 1}


def seen(ticker: Ticker, moment: float) -> int:
    """Milliseconds of the last quote or trade, up to two seconds ago."""
    return int(moment * MS) - int(2000 * chance(ticker.name, 2, np.array([int(moment)]))[0])


def updated(name: str, moment: float) -> int:
    """As recorded, for about half of the tickers: eight seconds past the next midnight in New York."""
    if zlib.crc32(name.encode()) % 2 == 0:
        return int(moment * MS)
    tomorrow = datetime.fromtimestamp(moment, UTC).astimezone(NEW_YORK).date() + timedelta(1)
    return int(datetime.combine(tomorrow, time(), NEW_YORK).timestamp() * MS) + 8999


def rounded(price: float) -> float:
    return round(price, 2 if price >= 1000 else 3 if price >= 20 else 5 if price >= 0.01 else 10)
