"""Messages without an event: the test button's, and one a day that shows that a channel works."""

from uuid import uuid5

from django.db import transaction

from markets import clock
from signals.alerts.deliver.models import Channel, Delivery
from signals.alerts.deliver.steps import CANARY, NAMESPACE, TEST
from signals.alerts.deliver.tasks import enqueue_sending


def test(channel: Channel) -> Delivery:
    """Also for a channel that is off: whoever sets one up tests it first."""
    return put(channel, TEST)


def canary(channel: Channel) -> Delivery:
    return put(channel, CANARY)


@transaction.atomic
def put(channel: Channel, step: str) -> Delivery:
    """Neither grouped, silenced nor held; twice at one moment is once."""
    now = clock.now()
    row, is_new = Delivery.objects.get_or_create(
        key=uuid5(NAMESPACE, f"{channel.pk}:{step}:{now.isoformat()}"),
        defaults={"channel": channel, "step": step, "due_at": now, "created_at": now},
    )
    if is_new:
        enqueue_sending()
    return row
