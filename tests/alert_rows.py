"""Rows of alerts as the API and the evaluation write them, for tests of what shows them."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.core.management.color import no_style
from django.db import connection, models

from markets import clock
from markets.models import Source
from signals.alerts.models import AlertEvent, AlertRule, Attempt, Channel, Delivery, Kind, Silence
from tests.market import instrument

Row = TypeVar("Row", bound=models.Model)


def created(model: type[Row], facts: dict[str, Any]) -> Row:
    """A row, also with a number of its own: PostgreSQL would give that number out again later."""
    row = model._default_manager.create(**facts)
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), [model]) if "id" in facts else ():
            cursor.execute(sql)
    return row


def alert_rule(code: str = "BTCUSD", **more: Any) -> AlertRule:
    """5 % within an hour."""
    facts: dict[str, Any] = {
        "instrument": instrument(code), "source": Source.objects.get(code="coingecko"), "window_minutes": 60,
        "threshold_pct": Decimal(5), "created_at": clock.now(),
    }  # fmt: skip
    return created(AlertRule, facts | more)


def alert_event(rule: AlertRule | None = None, code: str = "BTCUSD", minutes_ago: float = 0, **more: Any) -> AlertEvent:
    """It went 5.2381 % up, to 67321.50."""
    moment = clock.now() - timedelta(minutes=minutes_ago)
    facts: dict[str, Any] = {
        "kind": Kind.MOVE, "rule": rule, "rule_number": rule.pk if rule else 7, "instrument": instrument(code),
        "source": Source.objects.get(code="coingecko"), "subject": code, "observed_at": moment, "created_at": moment,
        "window_minutes": 60, "threshold_pct": Decimal(5), "change_pct": Decimal("5.2381"), "direction": "up",
        "price": Decimal("67321.5"), "scale": 2, "key": f"7:{code}:move:{moment.isoformat()}",
    }  # fmt: skip
    return created(AlertEvent, facts | more)


def channel(name: str = "day", **more: Any) -> Channel:
    facts = {"kind": "hook", "target": "example.org", "created_at": clock.now()}
    return Channel.objects.create(name=name, **facts | more)


def message(of: Channel, **more: Any) -> Delivery:
    """Sent with its second try."""
    moment = clock.now()
    facts: dict[str, Any] = {
        "key": uuid.uuid4(), "step": "test", "state": "sent", "tries": 2, "due_at": moment, "created_at": moment,
        "sent_at": moment,
    }  # fmt: skip
    row = Delivery.objects.create(channel=of, **facts | more)
    for number, status in ((1, 500), (2, 200)):
        Attempt.objects.create(
            delivery=row, number=number, started_at=moment, milliseconds=12, status=status, ok=status == 200
        )
    return row


def silence(hours: float = 1, **more: Any) -> Silence:
    """Of all moves."""
    moment = clock.now()
    facts = {"kind": "move", "begins_at": moment, "until": moment + timedelta(hours=hours), "author": "operator"}
    return created(Silence, facts | more)
