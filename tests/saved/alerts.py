"""The alerts' part of the seed: rules, the defaults, and alerts of every state."""

from decimal import Decimal

from markets.licence import Audience
from signals.alerts import rule_store
from signals.alerts.models import AlertEvent, AlertRule, Kind
from signals.alerts.schemas import NewRule
from tests.alert_rows import alert_event
from tests.saved.market import now, source

WHO = "operator"


def fill() -> None:
    moves = rule({"asset": "BTC", "window_minutes": 60, "threshold_pct": "2.5", "direction": "up"})
    rule({"asset": "USD", "kind": "level", "level": "4.05", "direction": "down", "name": "dolar poniżej 4,05"})
    rule({"asset": None, "kind": "disk"})
    rule_store.set_defaults(
        {"window_minutes": 30, "threshold_pct": Decimal(3), "direction": "both", "enabled": True}, WHO
    )
    threshold, over = moves.threshold_pct, AlertEvent.State.RESOLVED
    alert_event(
        moves,
        minutes_ago=130,
        key="1",
        change_pct=Decimal("2.5017"),
        threshold_pct=threshold,
        state=over,
        resolved_at=now(),
    )
    known = alert_event(
        moves, minutes_ago=70, key="2", change_pct=Decimal("-3.1"), direction="down", threshold_pct=threshold
    )
    rule_store.acknowledge(known.pk, Audience.OPERATOR, WHO)
    alert_event(moves, minutes_ago=4, key="3", threshold_pct=threshold)
    # What everybody may not see: of a source that is not public, and of the installation.
    alert_event(None, "EURUSD", 3, source=source("polygon"), price=Decimal("1.1649"), scale=4)
    alert_event(None, minutes_ago=2, kind=Kind.DISK, instrument=None, source=None, subject="disk", price=None)


def rule(said: dict[str, object]) -> AlertRule:
    return rule_store.create(NewRule.model_validate(said).dict(), Audience.OPERATOR, WHO)
