"""Claiming: the next message of a channel, its bytes fixed at the first try, leased to one sending task."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from markets import clock
from signals.alerts.channels.channel import Message
from signals.alerts.deliver import backoff, message, plan
from signals.alerts.deliver.models import Channel, Delivery
from signals.alerts.deliver.plan import Hold, Told
from signals.alerts.deliver.steps import ESCALATIONS, MANUAL, TEST
from signals.alerts.models import AlertEvent

LEASE = timedelta(seconds=90)
State = Delivery.State


class Claim(NamedTuple):
    """One try of one message. `tries` is its number: a result counts as long as no later try was begun."""

    lead: int
    channel: int
    kind: str
    sealed: str
    step: str
    tries: int
    message: Message


def due(now: datetime) -> QuerySet[Delivery]:
    """What can be claimed at that time: of a channel that has nothing under way."""
    is_due = Q(due_at__lte=now) | void(now)
    busy = Delivery.objects.filter(channel=OuterRef("channel"), state=State.SENDING, lead=None).exclude(ended(now))
    return Delivery.objects.filter(is_due, state__in=Delivery.OPEN, lead=None).exclude(Exists(busy))


def ended(now: datetime) -> Q:
    return Q(lease_until__lte=now) | void(now)


def void(now: datetime) -> Q:
    """A lease beyond its own length is of a clock that went wrong."""
    return Q(state=State.SENDING, lease_until__gt=now + LEASE + clock.SKEW)


@transaction.atomic
def claim(pk: int) -> Claim | None:
    """The next message of this channel, being sent from now on; None where there is nothing to send."""
    channel = Channel.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=pk).first()
    if channel is None:
        return None
    now = clock.now()
    rows = due(now).filter(channel=channel).order_by("due_at", "pk")
    cancel(channel, now)
    return again(channel, rows, now) or first(channel, rows, now)


def cancel(channel: Channel, now: datetime) -> None:
    """What nobody has to be told any more. A channel that is off can be tested."""
    waiting = channel.deliveries.filter(Q(state__in=(State.PENDING, State.RETRY)) | Q(ended(now), state=State.SENDING))
    waiting.filter(unneeded(), message__isnull=True).update(state=State.CANCELLED)
    if not channel.enabled:
        waiting.exclude(step=TEST).update(state=State.CANCELLED)


def unneeded() -> Q:
    """Escalations whose event somebody knows of or that is over."""
    known = Q(event__acknowledged_at__isnull=False) | Q(event__state=AlertEvent.State.RESOLVED)
    return Q(known, step__in=ESCALATIONS)


def again(channel: Channel, rows: QuerySet[Delivery], now: datetime) -> Claim | None:
    """A message that was tried before, with its own key and bytes. One whose lease ended failed: it keeps to its
    moments, so that a receiver that hangs is not called every 90 s."""
    for lead in rows.exclude(message__isnull=True):
        wait = plan.hold(channel, [lead], [], now) or until_its_moment(lead, now)
        if wait is None:
            return take(channel, lead, now)
        together(lead.pk).update(state=State.RETRY, held=wait.held, due_at=wait.until, lease_until=None)
    return None


def until_its_moment(lead: Delivery, now: datetime) -> Hold | None:
    if lead.state != State.SENDING:
        return None
    when = backoff.moment(lead.key, lead.tries, min(lead.first_try_at or now, now))
    return None if when is None or when <= now else Hold(lead.held, when)


def first(channel: Channel, rows: QuerySet[Delivery], now: datetime) -> Claim | None:
    """A message that nobody has seen yet, made of all that goes out together; what has to wait is held."""
    fresh = list(rows.filter(message__isnull=True).select_related("event__instrument", "event__source"))
    if not fresh:
        return None
    fresh = after_their_alerts(channel, fresh)
    told = lately(channel, now)
    holds = defaultdict[Hold, list[int]](list)
    going: list[Delivery] = []
    for bundle in plan.bundles(fresh):
        wait = plan.hold(channel, bundle, told, now)
        if wait is None:
            going = bundle
            break
        holds[wait] += [row.pk for row in bundle]
    for wait, pks in holds.items():
        Delivery.objects.filter(pk__in=pks).update(held=wait.held, due_at=wait.until)
    return freeze(channel, going, now) if going else None


def after_their_alerts(channel: Channel, fresh: list[Delivery]) -> list[Delivery]:
    """Nobody hears that something is over before it has been heard of: the end waits for the tries of its alert."""
    under_way = channel.deliveries.filter(state=State.RETRY, event__in={row.event_id for row in fresh if row.event_id})
    until = dict(under_way.values_list("event", "due_at"))
    for event, moment in until.items():
        pks = [row.pk for row in fresh if row.event_id == event]
        Delivery.objects.filter(pk__in=pks).update(due_at=moment)
    return [row for row in fresh if row.event_id not in until]


def lately(channel: Channel, now: datetime) -> list[Told]:
    rows = channel.deliveries.filter(lead=None, first_try_at__gt=now - plan.STORM).exclude(step__in=MANUAL)
    found = rows.order_by("first_try_at", "pk").values_list("cause", "first_try_at")
    return [Told(cause, at) for cause, at in found if at is not None]


def freeze(channel: Channel, bundle: Sequence[Delivery], now: datetime) -> Claim | None:
    lead, *members = sorted(bundle, key=lambda row: (row.created_at, row.pk))
    lead.message = message.pack(message.build([lead, *members], channel))
    lead.first_try_at = now
    lead.save(update_fields=["message", "first_try_at"])
    if members:
        pks = [row.pk for row in members]
        Delivery.objects.filter(pk__in=pks).update(lead=lead, first_try_at=now)
    return take(channel, lead, now)


def take(channel: Channel, lead: Delivery, now: datetime) -> Claim | None:
    """A condition in one statement: on a database without locks of rows the other one finds the number of tries moved
    on."""
    until, tries = now + LEASE, lead.tries + 1
    ours = Delivery.objects.filter(pk=lead.pk, state=lead.state, tries=lead.tries)
    if not ours.update(tries=tries):
        return None
    together(lead.pk).update(state=State.SENDING, tries=tries, lease_until=until, due_at=until)
    kept = message.unpack(lead.message or {})
    return Claim(lead.pk, channel.pk, channel.kind, channel.sealed, lead.step, tries, kept)


def together(lead: int) -> QuerySet[Delivery]:
    """The deliveries of one message: they have one state."""
    return Delivery.objects.filter(Q(pk=lead) | Q(lead=lead))
