"""The market keys and channels in Redis that other programs read: prices and candles, all expiring.

`market:ohlcv:{symbol}:{timeframe}` and `market:price:{symbol}` hold JSON. Values are JSON numbers with exactly the
digits that the source gave, the smallest with an exponent (9.3E-7). Without Redis other programs read the same
values from the API, which answers from the tables.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings

from markets import clock, timeframes
from markets.licence import Audience, may
from markets.models import Candle, Source
from markets.records import Price
from markets.redis import client as redis_client
from markets.redis import live_events, pubsub

if TYPE_CHECKING:
    import redis

MINER = "market-data"
# Candles in one key: enough for an indicator over a hundred bars and its warm-up.
LENGTH = 200
# Lifetime in seconds of a key of candles, by timeframe (S3-04); other timeframes live for twice their length.
TTL = {"5m": 120, "1h": 300, "4h": 600}


def priced(prices: Iterable[tuple[str, Price]]) -> None:
    """Publish `asset:update:{symbol}` for each new price, all in one round trip."""
    bodies = {f"asset:update:{code}": price_update(code, price) for code, price in prices}

    def send(client: "redis.Redis") -> None:
        pipe = client.pipeline(transaction=False)
        for channel, body in bodies.items():
            text = pubsub.JSON.encode(body)
            pipe.publish(redis_client.name(channel), text)
            pubsub.add(pipe, pubsub.Entry("publish", channel, MINER, pubsub.summary(body), len(text)))
        redis_client.settle(pipe)

    if bodies:
        redis_client.ask(send, None)


def priced_live(source: Source, prices: Iterable[tuple[str, Price]]) -> None:
    """The same for those who listen to live, with whose prices they are."""
    public = may(source, Audience.API)
    bodies = {code: price_update(code, price) | {"source": source.code} for code, price in prices}
    live_events.send(live_events.event("prices", "prices.updated", body, public, code) for code, body in bodies.items())


def price_update(code: str, price: Price) -> dict[str, Any]:
    spread = price.ask - price.bid if price.bid is not None and price.ask is not None else None
    return {
        "type": "price_update",
        "symbol": code,
        "data": {
            "bid": plain(price.bid),
            "ask": plain(price.ask),
            "spread": plain(spread),
            "last_price": plain(price.price),
            "timestamp": price.observed_at.isoformat(),
        },
    }


def keep_prices(prices: Iterable[tuple[str, Price]]) -> None:
    """Write `market:price:{symbol}`: {price, change24h, volume, timestamp}, for MARKET_PRICE_TTL seconds."""
    keep(
        "market:price:*",
        {
            f"market:price:{code}": pubsub.JSON.encode(
                {
                    "price": plain(price.price),
                    "change24h": plain(price.change),
                    "volume": plain(price.volume),
                    "timestamp": price.observed_at.isoformat(),
                }
            )
            for code, price in prices
        },
        settings.MARKET_PRICE_TTL,
    )


def keep_candles(source: Source, timeframe: str, codes: Mapping[int, str]) -> None:
    """Write `market:ohlcv:{symbol}:{timeframe}`: the newest candles, oldest first. `codes`: code by instrument id."""
    if not settings.REDIS_URL:
        return
    series = newest(source, timeframe, codes)
    bodies = {f"market:ohlcv:{codes[pk]}:{timeframe}": pubsub.JSON.encode(rows) for pk, rows in series.items()}
    keep(f"market:ohlcv:*:{timeframe}", bodies, TTL.get(timeframe, 2 * timeframes.SECONDS[timeframe]))
    channel, update = channel_of(timeframe), update_of(timeframe, codes)
    pubsub.publish(channel, [update], MINER)
    # The scanner's page is refreshed by it (S3-08).
    live_events.send([live_events.event("prices", channel, update, may(source, Audience.API))])


def channel_of(timeframe: str) -> str:
    """Where it is told that candles of a timeframe were brought."""
    return f"market:update:{timeframe}"


def scanned(codes: Mapping[int, str]) -> None:
    """Publish `market:update:all`: the candles of every timeframe are up to date."""
    pubsub.publish(channel_of("all"), [update_of("all", codes)], MINER)


def update_of(timeframe: str, codes: Mapping[int, str]) -> dict[str, Any]:
    now = clock.now().isoformat()
    return {"type": "market_update", "timeframe": timeframe, "symbols": len(codes), "timestamp": now}


def newest(source: Source, timeframe: str, instruments: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """The candles of the last LENGTH periods by instrument, ascending; one query."""
    since = clock.now() - timedelta(seconds=LENGTH * timeframes.SECONDS[timeframe])
    rows = Candle.objects.filter(
        instrument__in=list(instruments), timeframe=timeframe, source=source, open_time__gt=since
    ).order_by("instrument", "open_time")
    series: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for pk, start, *values, closed, synthetic, partial in rows.values_list(
        "instrument_id", "open_time", "open", "high", "low", "close", "volume", "closed", "synthetic", "partial"
    ):
        flags = {"closed": closed, "synthetic": synthetic, "partial": partial}
        series[pk].append(candle(start, *values) | flags)
    return series


def candle(start: datetime, *values: Decimal | None) -> dict[str, Any]:
    return {"t": int(start.timestamp() * 1000)} | dict(zip("ohlcv", map(plain, values), strict=True))


def keep(channel: str, values: Mapping[str, bytes], seconds: int) -> None:
    """Write expiring keys in one round trip, with one entry in the message log for all of them, or one for each."""

    def write(client: "redis.Redis") -> None:
        pipe = client.pipeline(transaction=False)
        for key, body in values.items():
            pipe.set(redis_client.name(key), body, ex=seconds)
        for entry in entries_of(channel, values, seconds):
            pubsub.add(pipe, entry)
        redis_client.settle(pipe)

    if values:
        redis_client.ask(write, None)


def entries_of(channel: str, values: Mapping[str, bytes], seconds: int) -> list[pubsub.Entry]:
    if pubsub.logs("keys"):
        return [pubsub.Entry("cache_write", key, MINER, f"ttl={seconds}", len(body)) for key, body in values.items()]
    size = sum(map(len, values.values()))
    return [pubsub.Entry("cache_write", channel, MINER, f"{len(values)} keys, {size} bytes, {seconds} s", size)]


def plain(value: Decimal | None) -> Decimal | None:
    """Without the trailing zeros that PostgreSQL pads to the scale of the column."""
    if value is None:
        return None
    text = f"{value:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
