"""What a rule without a price of its own is asked about, and the event that it makes."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from markets import clock
from markets.models import Instrument, Listing
from signals.alerts.models import AlertEvent, AlertRule
from signals.alerts.standings import Subject


def subjects_of(rule: AlertRule, followed: list[Subject], by_pk: dict[int, Subject]) -> list[Subject]:
    """Its instrument, or everything that is followed."""
    if rule.instrument_id is None:
        return followed
    return [by_pk[rule.instrument_id]]


def watched(of: list[AlertRule]) -> tuple[list[Subject], dict[int, Subject]]:
    """What is followed, and the instruments that these rules name."""
    tracked = set(Listing.objects.filter(tracked=True).values_list("instrument_id", flat=True))
    named = {rule.instrument_id for rule in of if rule.instrument_id is not None}
    rows = Instrument.objects.filter(pk__in=tracked | named).order_by("pk").values_list("code", "pk", "scale")
    by_pk = {row[1]: Subject(*row) for row in rows}
    return [one for pk, one in by_pk.items() if pk in tracked], by_pk


def event(
    rule: AlertRule, subject: Subject, time: datetime, direction: str, price: Decimal | None = None, **more: Any
) -> AlertEvent:
    return AlertEvent(
        id=0,
        key=f"{rule.pk}:{subject.name}:{rule.kind}:{time.isoformat()}"[:200],
        rule=rule,
        rule_number=rule.pk,
        kind=rule.kind,
        instrument_id=subject.instrument,
        subject=subject.name,
        observed_at=time,
        created_at=clock.now(),
        direction=direction,
        price=price,
        scale=subject.scale,
        **more,
    )
