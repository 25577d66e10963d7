"""Builders of alert rules, and passes over prices that a test brings."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from markets import clock
from markets.models import Source
from markets.store.prices import save_prices
from signals.alerts import tasks
from signals.alerts.models import AlertEvent, AlertRule, AlertState
from tests.market import instrument, price

BTC = "bitcoin"


def rule(code: str | None = "BTCUSD", **more: Any) -> AlertRule:
    """5 % within an hour, of the best source, without a pause between two alerts."""
    figures = {"window_minutes": 60, "threshold_pct": Decimal(5), "cooldown_minutes": 0, "created_at": clock.now()}
    if code is not None:
        more["instrument"] = instrument(code)
    return AlertRule.objects.create(**figures | more)


def bring(source: Source, values: Iterable[tuple[str, float]], ticker: str = BTC) -> int:
    """Prices with their age in minutes, each saved and looked at by itself; answers how many events came of them."""
    events = 0
    for value, minutes_ago in values:
        save_prices([price(value, minutes_ago, ticker)], source)
        events += tasks.evaluate_news()
    return events


def happened(**where: Any) -> list[tuple[str, str, str]]:
    """Direction, change and state of the events, oldest first."""
    rows = AlertEvent.objects.filter(**where).order_by("observed_at", "pk")
    return [(row.direction, f"{row.change_pct:+.2f}" if row.change_pct is not None else "", row.state) for row in rows]


def state(one: AlertRule, subject: str = "BTCUSD") -> str:
    return AlertState.objects.get(rule=one, subject=subject).state
