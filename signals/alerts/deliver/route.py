"""Who is told of what: the deliveries of an event, written in the transaction that writes the event."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from markets import clock
from signals.alerts.deliver import quiet
from signals.alerts.deliver.models import Channel, Delivery, Silence
from signals.alerts.deliver.steps import ESCALATIONS, FIRED, NAMESPACE, RESOLVED
from signals.alerts.deliver.tasks import enqueue_sending
from signals.alerts.models import PUBLIC_KINDS, AlertEvent, Kind

# What passes quiet hours: while one of these lasts, other alerts do not come about or do not arrive. A late table and
# a gap lose nothing by the morning.
CRITICAL = frozenset({Kind.SOURCE_STALE, Kind.DISK, Kind.QUEUE_AGE, Kind.CHANNEL_BROKEN})


def fired(events: Sequence[AlertEvent]) -> None:
    """The deliveries of new events, also of those that have ended in the same pass."""
    channels = (
        list(Channel.objects.filter(enabled=True).select_related("escalates_to").order_by("pk")) if events else []
    )
    if not channels:
        return
    now = clock.now()
    silences = running(now)
    write(
        [
            row
            for event in events
            for channel in channels
            if wants(channel, event)
            for row in deliveries(event, channel, silences, now)
        ]
    )


def running(now: datetime) -> list[Silence]:
    return list(Silence.objects.filter(begins_at__lte=now, until__gt=now))


def wants(channel: Channel, event: AlertEvent) -> bool:
    return (
        not channel.is_fallback and (not channel.kinds or event.kind in channel.kinds) and not is_about(event, channel)
    )


def is_about(event: AlertEvent, channel: Channel) -> bool:
    """Whether it says that this very channel is broken."""
    return event.kind == Kind.CHANNEL_BROKEN and event.subject in {channel.name, f"channel:{channel.pk}"}


def deliveries(event: AlertEvent, channel: Channel, silences: list[Silence], now: datetime) -> Iterator[Delivery]:
    first = delivery(event, channel, FIRED, silences, now)
    yield first
    if event.state == AlertEvent.State.RESOLVED:
        yield delivery(event, channel, RESOLVED, silences, now)
    elif first.state == Delivery.State.PENDING:
        yield from escalations(event, channel, silences, now)


def escalations(event: AlertEvent, channel: Channel, silences: list[Silence], now: datetime) -> Iterator[Delivery]:
    """They count from when the channel is told: nobody could acknowledge before."""
    other = channel.escalates_to
    if other is None or not other.enabled or other == channel or is_about(event, other):
        return
    told_at = (None if event.kind in CRITICAL else quiet.ends(channel, now)) or now
    for step, pause in ESCALATIONS.items():
        yield delivery(event, other, step, silences, now, told_at + pause)


def delivery(
    event: AlertEvent, channel: Channel, step: str, silences: list[Silence], now: datetime, due: datetime | None = None
) -> Delivery:
    is_silenced = any(matches(one, event, channel) for one in silences)
    return Delivery(
        key=key_of(event, channel, step),
        channel=channel,
        event=event,
        step=step,
        cause=f"{'escalated:' if step in ESCALATIONS else ''}{cause_of(event)}",
        critical=event.kind in CRITICAL,
        state=Delivery.State.SILENCED if is_silenced else Delivery.State.PENDING,
        due_at=due or now,
        created_at=now,
    )


def key_of(event: AlertEvent, channel: Channel, step: str) -> UUID:
    return uuid5(NAMESPACE, f"{event.key}:{channel.pk}:{step}")


def cause_of(event: AlertEvent) -> str:
    """Of one rule that watches everything all events have one cause; of the installation's faults the kind is it."""
    return f"{event.rule_number}:{event.kind}" if event.kind in PUBLIC_KINDS else event.kind


def matches(silence: Silence, event: AlertEvent, channel: Channel) -> bool:
    return (
        silence.kind in {"", event.kind}
        and silence.instrument_id in {None, event.instrument_id}
        and silence.rule_id in {None, event.rule_number}
        and silence.channel_id in {None, channel.pk}
    )


def ended(events: Collection[int]) -> None:
    """Whoever was told, or is about to be, is told the end; escalations that wait are of no use any more."""
    rows = Delivery.objects.filter(event__in=events, step__in=(FIRED, *ESCALATIONS), channel__enabled=True)
    told = rows.filter(state__in=(*Delivery.OPEN, Delivery.State.SENT)).select_related("event", "channel")
    found = list(told.order_by("pk")) if events else []
    if not found:
        return
    acknowledged(events)
    now = clock.now()
    silences = running(now)
    write(
        [
            delivery(row.event, row.channel, RESOLVED, silences, now)
            for row in found
            if row.event is not None and not is_waiting_escalation(row)
        ]
    )


def is_waiting_escalation(row: Delivery) -> bool:
    return row.step in ESCALATIONS and row.state == Delivery.State.PENDING


def acknowledged(events: Collection[int]) -> None:
    """Somebody knows: nobody else has to be asked."""
    waiting = Delivery.objects.filter(event__in=events, step__in=ESCALATIONS, state=Delivery.State.PENDING)
    waiting.update(state=Delivery.State.CANCELLED)


def write(rows: list[Delivery]) -> None:
    """The same key twice, by two channels that escalate to one, is one delivery."""
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    now = clock.now()
    if any(row.state == Delivery.State.PENDING and row.due_at <= now for row in rows):
        enqueue_sending()
