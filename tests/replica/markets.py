"""What CoinGecko says of a coin beside its price."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from tests.replica.candles import DAY
from tests.replica.coins import COINS
from tests.replica.walk import MINUTE, Pair, chance

OLD = 40 * 86_400  # how long ago a coin that went stale was traded, in seconds
SPANS = {"1h": 60, "24h": DAY, "7d": 7 * DAY, "14d": 14 * DAY, "30d": 30 * DAY, "200d": 200 * DAY, "1y": 365 * DAY}
NO_MAXIMUM = {"ETH", "SOL", "DOGE", "TRX", "USDT", "USDC", "DAI", "DOT", "ATOM"}


def change(code: str, quote: str, moment: float, minutes: int) -> float:
    """In percent."""
    pair = Pair(code, quote)
    return (pair.at(moment) / pair.at(moment - minutes * MINUTE) - 1) * 100


def day_volume(code: str, quote: str, moment: float, price: float | None = None) -> float:
    """About three percent of everything there is; another share each hour."""
    price = Pair(code, quote).at(moment) if price is None else price
    share = chance(f"{code} volume", 0, np.array([int(moment // 3600)]))[0]
    return float(price * COINS[code].supply * 1e6 * 0.03 * (0.5 + share))


def coin_row(
    coin: str, code: str, quote: str, moment: int, spans: list[str], *, stale: bool, sparkline: bool
) -> dict[str, Any]:
    pair, facts = Pair(code, quote), COINS[code]
    now = int(moment // MINUTE)
    day, year = pair.on(np.arange(now - DAY, now + 1, 15)), pair.on(np.arange(now - 365 * DAY, now + 1, DAY))
    price, supply = pair.at(moment), facts.supply * 1e6
    times = now - 365 * DAY + DAY * np.array([year.argmax(), year.argmin()])
    peak, trough = max(float(year.max()), price), min(float(year.min()), price)
    week = pair.on(np.arange(now - 7 * DAY, now + 1, 60)) if sparkline else None
    row = {
        "id": coin,
        "symbol": code.lower(),
        "name": facts.name,
        "image": f"https://assets.example/coins/{coin}.png",
        "current_price": round(price) if price >= 10_000 else float(f"{price:.6g}"),
        "market_cap": round(price * supply),
        "market_cap_rank": None,
        "fully_diluted_valuation": round(price * supply * 1.02),
        "total_volume": round(day_volume(code, quote, moment, price)),
        "high_24h": max(float(day.max()), price),
        "low_24h": min(float(day.min()), price),
        "price_change_24h": None if stale else price - float(day[0]),
        "price_change_percentage_24h": None if stale else change(code, quote, moment, DAY),
        "circulating_supply": supply,
        "total_supply": supply * 1.02,
        "max_supply": None if code in NO_MAXIMUM else supply * 1.05,
        "ath": peak,
        "ath_change_percentage": (price / peak - 1) * 100,
        "ath_date": stamp(int(times[0]) * MINUTE),
        "atl": trough,
        "atl_change_percentage": (price / trough - 1) * 100,
        "atl_date": stamp(int(times[1]) * MINUTE),
        "roi": None,
        "last_updated": stamp(moment),
        **{
            f"price_change_percentage_{span}_in_currency": None if stale else change(code, quote, moment, SPANS[span])
            for span in spans
            if span in SPANS
        },
    }
    return row if week is None else {**row, "sparkline_in_7d": {"price": week.tolist()}}


def stamp(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
