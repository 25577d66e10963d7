"""How many messages the events of a case come to: the plan of the deliveries on one channel without quiet hours."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from signals.alerts.deliver import plan
from signals.alerts.deliver.models import Channel, Delivery


class Telling(NamedTuple):
    """What a channel is told of: a rule fired, or what it fired for is over."""

    rule: str
    kind: str
    step: str
    at: datetime


def count(tellings: Iterable[Telling], until: datetime) -> int:
    """The first of a cause goes at once, what follows within minutes waits and goes together."""
    waiting, told = [delivery(one) for one in tellings], list[plan.Told]()
    while waiting and (now := min(row.due_at for row in waiting)) <= until:
        going = first([row for row in waiting if row.due_at <= now], told, now)
        if going:
            told.append(plan.Told(going[0].cause, now))
            waiting = [row for row in waiting if row not in going]
    return len(told)


def delivery(one: Telling) -> Delivery:
    cause = f"{one.rule}:{one.kind}"
    return Delivery(key=uuid4(), step=one.step, cause=cause, due_at=one.at, created_at=one.at)


def first(due: list[Delivery], told: list[plan.Told], now: datetime) -> list[Delivery]:
    """What goes out as one message; what has to wait is due later. As `deliver.claims` has it of the table."""
    lately = [one for one in told if one.at > now - plan.STORM]
    for bundle in plan.bundles(due):
        wait = plan.hold(Channel(), bundle, lately, now)
        if wait is None:
            return bundle
        for row in bundle:
            row.held, row.due_at = wait
    return []
