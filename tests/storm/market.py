"""The scripted market: many coins, each of them jumping between two prices, and what the machine says of it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from markets.instruments import create
from markets.models import Instrument, Source, Tick
from markets.records import Price
from markets.store.prices import save_prices
from miner import sources
from miner.providers import PROVIDERS
from miner.providers.coingecko import COINS
from signals.alerts.machine import Standing, Watch, advance
from signals.alerts.models import AlertRule
from signals.alerts.windows import Window

LOW, HIGH = Decimal(100), Decimal(106)
WINDOW, THRESHOLD = 10, Decimal(5)
# After a window without a move a rule is armed again: each jump is one event.
REST = timedelta(minutes=WINDOW + 2)
# The share of coins that jump in a minute, for some minutes: below and above what makes a digest.
PACES, PHASE = (0.01, 0.04, 0.16), 15


@dataclass
class Market:
    source: Source
    tickers: list[str]
    chance: random.Random
    high: set[str] = field(default_factory=set)
    jumped: dict[str, datetime] = field(default_factory=dict)
    steps: int = 0
    moves: int = 0
    pace: float = PACES[0]

    def step(self, now: datetime, most: int) -> None:
        """One price of each coin; none jumps any more once there were so many moves."""
        if self.steps % PHASE == 0:
            self.pace = self.chance.choice(PACES)
        self.steps += 1
        for ticker in self.tickers:
            rested = now - self.jumped.setdefault(ticker, now) >= REST
            if rested and self.moves < most and self.chance.random() < self.pace:
                self.high ^= {ticker}
                self.jumped[ticker] = now
                self.moves += 1
        save_prices([Price(one, HIGH if one in self.high else LOW, now) for one in self.tickers], self.source)


def open_market(chance: random.Random) -> Market:
    facts = sources.facts(PROVIDERS["coingecko"]) | {"name": "CoinGecko", "polling_interval": 300, "public_api": True}
    source, _ = Source.objects.update_or_create(code="coingecko", defaults=facts)
    create.list_at(source, sources.entries(PROVIDERS["coingecko"]), tracked=list(COINS))
    return Market(source, list(COINS.values()), chance)


def watch_all(now: datetime) -> None:
    for instrument in Instrument.objects.order_by("pk"):
        AlertRule.objects.create(
            instrument=instrument,
            window_minutes=WINDOW,
            threshold_pct=THRESHOLD,
            cooldown_minutes=0,
            created_at=now,
        )


def expected() -> set[str]:
    """The keys of the events that the machine finds in the stored prices, undisturbed."""
    rules = AlertRule.objects.filter(automatic=False).select_related("instrument")
    return {key for rule in rules for key in keys_of(rule)}


def keys_of(rule: AlertRule) -> Iterator[str]:
    watch, window, standing = Watch("move", "both", THRESHOLD), Window(timedelta(minutes=WINDOW)), Standing()
    ticks = Tick.objects.filter(instrument=rule.instrument).order_by("observed_at")
    for time, price in ticks.values_list("observed_at", "price"):
        standing, happened = advance(watch, standing, window.add(time, price))
        if happened.fires:
            yield f"{rule.pk}:{rule.instrument}:move:{time.isoformat()}"
