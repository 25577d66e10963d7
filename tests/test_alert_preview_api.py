"""The question of the API how often a rule would have fired."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from signals.alerts.models import AlertNumber, AlertRule
from signals.alerts.schemas import Preview
from tests.market import bar, price, source
from tests.test_alerts_api import MOVE, dollar, gecko, noon, send  # noqa: F401  fixtures
from tests.test_api_errors import error

pytestmark = pytest.mark.django_db


def five(minute: int, close: str) -> Any:
    return bar(f"2026-10-26 {8 + minute // 60:02}:{minute % 60:02}", close, close, close, close, timeframe="5m")


def test_a_preview_counts_what_would_have_fired_and_saves_nothing(client: Client, db: None) -> None:
    save_bars([five(5 * n, "106" if n in {10, 20} else "100") for n in range(30)], source("binance", ["BTCUSDT"]))
    save_prices([price("100", 1, "BTCUSDT")], Source.objects.get(code="binance"))
    asked = {"asset": "BTCUSDT", "window_minutes": 30, "threshold_pct": 5, "direction": "up", "cooldown_minutes": 0}
    response = client.post("/alerts/preview", asked, content_type="application/json")
    assert response.status_code == 200
    told = response.json()
    assert told == {
        "asset": "BTCUSDT", "kind": "move", "source": "binance", "window_minutes": 30, "threshold_pct": "5",
        "direction": "up", "times": 2, "last": "2026-10-26T09:45:00Z", "days": 1, "since": "2026-10-26T08:05:00Z",
        "until": "2026-10-26T10:30:00Z", "observations": 30, "made_of": ["5m"], "weekly_threshold_pct": None,
        "weekly_times": None,
    }  # fmt: skip
    assert Preview.model_validate(told).model_dump(mode="json") == told
    level = {"asset": "BTCUSDT", "kind": "level", "level": 103, "direction": "down", "cooldown_minutes": 0}
    told = client.post("/alerts/preview", level, content_type="application/json").json()
    assert (told["times"], told["last"]) == (2, "2026-10-26T09:50:00Z")
    assert not AlertRule.objects.exists()
    assert not AlertNumber.objects.exists()


def test_a_preview_of_official_rates_looks_at_the_days(client: Client, nbp: Source, job: Job) -> None:
    mids = ["4.00", "4.00", "4.25", "4.00", "4.00"]
    days = [date(2026, 10, 19) + timedelta(days=n) for n in range(5)]
    pairs = zip(days, mids, strict=True)
    publish([Table("A", day, [RateRecord("USD", mid=Decimal(mid))]) for day, mid in pairs], nbp, job)
    asked = {"asset": "USD", "window_minutes": 1440, "threshold_pct": 5}
    told = client.post("/alerts/preview", asked, content_type="application/json").json()
    assert (told["times"], told["last"], told["days"], told["made_of"], told["source"]) == (
        1, "2026-10-21T00:00:00Z", 5, ["1d"], "nbp",
    )  # fmt: skip


def test_a_preview_of_what_is_not_public_is_for_operators(client: Client, gecko: Source) -> None:  # noqa: F811
    save_prices([price("67400", 2)], gecko)
    Source.objects.filter(pk=gecko.pk).update(public_api=False)
    told = client.post("/alerts/preview", MOVE | {"source": "coingecko"}, content_type="application/json")
    assert error(told, 403)["code"] == "not_public"
    nobody = client.post("/alerts/preview", MOVE, content_type="application/json").json()
    assert (nobody["source"], nobody["observations"]) == (None, 0)
    assert send(client, "POST", "/alerts/preview", MOVE).json()["observations"] == 2
    assert error(client.post("/alerts/preview", MOVE | {"asset": "BTX"}, content_type="application/json"), 404)


def test_the_days_of_a_daily_history_are_no_days_of_a_rule_that_looks_at_an_hour(client: Client, gecko: Source) -> None:  # noqa: F811
    save_prices([price(str(67000 + day), day * 1440) for day in range(365, 0, -1)], gecko)
    alone = client.post("/alerts/preview", MOVE, content_type="application/json").json()
    assert (alone["observations"], alone["days"], alone["since"]) == (0, 0, None)
    save_prices([price("67400", 2)], gecko)
    told = client.post("/alerts/preview", MOVE, content_type="application/json").json()
    assert (told["observations"], told["days"], told["weekly_threshold_pct"]) == (2, 1, None)


def test_rates_that_are_not_public_are_not_previewed(client: Client, dollar: Instrument) -> None:  # noqa: F811
    Source.objects.update(public_api=False)
    asked = {"asset": "USD", "kind": "level", "level": "3.95"}
    told = client.post("/alerts/preview", asked, content_type="application/json").json()
    assert (told["observations"], told["since"], told["times"]) == (0, None, 0)
