"""What is asked for in the API, evaluated, and listed there again."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets import clock
from markets.models import Source
from markets.records import Price
from markets.store.prices import save_prices
from signals.alerts import tasks
from tests.market import NOW
from tests.test_alerts_api import MOVE, gecko, noon, send  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["both"])
@pytest.mark.usefixtures("gecko")
def test_a_preview_finds_what_the_evaluation_has_found(
    client: Client, monkeypatch: pytest.MonkeyPatch, direction: str
) -> None:
    chance, value, when = random.Random(1), 1900.0, NOW
    said: dict[str, Any] = MOVE | {"asset": "ETH", "threshold_pct": 1.5, "cooldown_minutes": 0, "direction": direction}
    rule = send(client, "POST", "/alerts", said).json()
    for _ in range(150):
        when += timedelta(minutes=chance.choice([5, 5, 5, 5, 5, 20]))
        moment: datetime = when
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        value *= 1 + chance.gauss(0, 0.008)
        save_prices([Price("ethereum", Decimal(f"{value:.2f}"), when)], Source.objects.get(code="coingecko"))
        tasks.evaluate_news()
    found = [row for row in client.get("/alerts?asset=ETH&limit=100").json() if row["rule_id"] == rule["id"]]
    told = send(client, "POST", "/alerts/preview", said).json()
    assert (told["times"], told["last"]) == (len(found), found[0]["observed_at"])
    assert found
