"""A new event is told to those who listen: `alerts.fired` in Redis, and the stream of events."""

from django.conf import settings

from markets.licence import Audience
from markets.redis import live_events, pubsub
from signals.alerts import rows
from signals.alerts.models import AlertEvent

CHANNEL = "alerts.fired"


def announce(*events: AlertEvent) -> int:
    """Call it after the commit. One message an event, in the order of their ids; answers how many went out.

    The body is the item of `GET /alerts`. The stream keeps from the public what the API keeps from it.
    """
    if not settings.REDIS_URL or not events:
        return 0
    told = AlertEvent.objects.filter(pk__in=[event.pk for event in events]).order_by("pk")
    public = set(rows.events(Audience.API).filter(pk__in=told.values("pk")).values_list("pk", flat=True))
    bodies = list(rows.event_rows(told))
    live_events.send(
        live_events.event("alerts", CHANNEL, body, body["id"] in public, body["asset"] or "") for body in bodies
    )
    return pubsub.publish(CHANNEL, bodies, "ta-service", "signal")
