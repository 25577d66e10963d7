"""Once a day a short message through every channel: one that has died shows before an alert has to pass through it."""

from datetime import datetime, time, timedelta

from markets import clock
from signals.alerts.deliver import manual
from signals.alerts.deliver.steps import CANARY
from signals.alerts.models import Channel, Delivery

# After the quiet hours of most, before the day's first table.
CALM = time(7, 55)


def send() -> int:
    """The task, once an hour: an installation that slept at the calm hour does it later. Answers to how many."""
    channels = due(clock.now())
    for channel in channels:
        manual.canary(channel)
    return len(channels)


def due(now: datetime) -> list[Channel]:
    """The channels that have had none since the last calm hour."""
    done = Delivery.objects.filter(step=CANARY, created_at__gte=last_calm_hour(now)).values("channel")
    return list(Channel.objects.filter(enabled=True).exclude(pk__in=done).order_by("pk"))


def last_calm_hour(now: datetime) -> datetime:
    """By the clock of Warsaw, also across a change of its time."""
    here = now.astimezone(clock.WARSAW)
    today = datetime.combine(here.date(), CALM, clock.WARSAW)
    return today if today <= here else datetime.combine(here.date() - timedelta(1), CALM, clock.WARSAW)
