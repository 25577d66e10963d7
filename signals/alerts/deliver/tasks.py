"""The tasks of deliveries: one that sends, one a minute that asks for it, and one a night that prunes."""

from datetime import datetime, timedelta

from django.db.models import Q

from markets import clock, problems
from markets.store.retention import delete
from signals.alerts.deliver import claims, health
from signals.alerts.deliver.models import Attempt, Delivery
from signals.alerts.deliver.sender import Sender
from signals.alerts.deliver.steps import ESCALATIONS
from signals.tasks import enqueue

SEND = "signals.alerts.deliver.tasks.send_due"
WAKE = "signals.alerts.deliver.tasks.wake"
PRUNE = "signals.alerts.deliver.tasks.prune"
KEPT = timedelta(days=90)
# The last try comes 29 hours after the first one at most, quiet hours last a day.
LONGEST_WAIT = timedelta(days=2)


def enqueue_sending() -> bool:
    """In the caller's transaction, unless one waits already. Its results are rows of their own and are not kept."""
    return enqueue(SEND, group="alerts", save=False)


def send_due() -> int:
    """Answers how many messages were taken. What is due when it ends has a task of its own: one that came meanwhile
    ended at once, since this one had the turn."""
    sent = Sender().run()
    if sent is not None and claims.due(clock.now()).exists():
        enqueue_sending()
    return sent or 0


def wake() -> bool:
    """Retries and what was held come due without an event."""
    set_right(clock.now())
    if problems.current().filter(kind=health.PROBLEM).exists():
        health.report()  # its channel may have been deleted
    return claims.due(clock.now()).exists() and enqueue_sending()


def set_right(now: datetime) -> None:
    """What was written by a clock that was ahead would wait for a time that has not come: its waiting begins anew."""
    ahead = Q(created_at__gt=now + clock.SKEW) | Q(due_at__gt=now + LONGEST_WAIT)
    rows = Delivery.objects.filter(ahead, state__in=Delivery.OPEN)
    pks = list(rows.values_list("pk", flat=True))
    for step in set(rows.values_list("step", flat=True)):
        due = now + ESCALATIONS.get(step, timedelta(0))
        Delivery.objects.filter(pk__in=pks, step=step).update(created_at=now, due_at=due)
    Delivery.objects.filter(pk__in=pks, first_try_at__gt=now).update(first_try_at=now)


def prune() -> int:
    old = clock.now() - KEPT
    deliveries = Delivery.objects.filter(created_at__lt=old).exclude(state__in=Delivery.OPEN)
    return delete(Attempt.objects.filter(delivery__in=deliveries)) + delete(deliveries)
