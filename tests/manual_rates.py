"""Figures that an operator has set, for tests."""

from datetime import date
from decimal import Decimal
from typing import Any

from markets import clock
from markets.instruments import create
from markets.models import Override
from tests.alert_rows import created


def override(pk: int = 5, **more: Any) -> Override:
    """Of USD, under the number that the documentation shows."""
    [usd] = create.find_or_create({"USD"}, "currency")[0].values()
    values = {"table": "A", "effective_date": date(2026, 10, 23), "mid": Decimal("3.9350"), "scale": 4} | more
    words = {"author": "anna", "reason": "Misprint", "created_at": clock.now()}
    return created(Override, {"id": pk, "instrument": usd} | values | words)
