"""Bollinger bands (20, 2) and RSI (14) of the newest candles, computed from Redis alone."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import redis


def bollinger(closes: Sequence[float], span: int = 20, width: float = 2.0) -> tuple[float, float, float]:
    window = closes[-span:]
    middle = sum(window) / span
    deviation = (sum((close - middle) ** 2 for close in window) / span) ** 0.5
    return middle - width * deviation, middle, middle + width * deviation


def rsi(closes: Sequence[float], span: int = 14) -> float:
    changes = [after - before for before, after in pairwise(closes)]
    gain = sum(max(change, 0.0) for change in changes[:span]) / span
    loss = sum(max(-change, 0.0) for change in changes[:span]) / span
    for change in changes[span:]:
        gain = (gain * (span - 1) + max(change, 0.0)) / span
        loss = (loss * (span - 1) + max(-change, 0.0)) / span
    return 100 * gain / (gain + loss) if gain + loss else 50.0


def listen(client: "redis.Redis", symbol: str, timeframe: str = "1h") -> Iterator[dict[str, Any]]:
    """Nothing when it has subscribed, and then what is computed after each message."""
    with client.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe(f"market:update:{timeframe}")
        yield {}
        for _message in ear.listen():
            candles = json.loads(client.get(f"market:ohlcv:{symbol}:{timeframe}") or "[]")
            traded = [one for one in candles if one["closed"] and not one["synthetic"] and not one["partial"]]
            closes = [one["c"] for one in traded]
            yield {"open": traded[-1]["t"], "bollinger": bollinger(closes), "rsi": rsi(closes)}
