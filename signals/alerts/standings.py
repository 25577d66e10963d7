"""Where rules stand, and what a pass has found: states, events and their ends, written together."""

import logging
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from markets import clock
from markets.clock import SKEW
from markets.store import bulk
from signals.alerts import announce
from signals.alerts.deliver import route
from signals.alerts.machine import SUSPENDED, Standing
from signals.alerts.models import AlertEvent, AlertNumber, AlertPass, AlertState

logger = logging.getLogger(__name__)

STATE = AlertState._meta.db_table
STATE_COLUMNS = {
    "rule_id": "bigint",
    "subject": "text",
    "instrument_id": "bigint",
    "source_id": "bigint",
    "state": "text",
    "side": "text",
    "fired_at": "timestamptz",
    "changed_at": "timestamptz",
    "seen_at": "timestamptz",
    "error": "text",
    "event_id": "bigint",
}
REPLACE = "ON CONFLICT (rule_id, subject) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in STATE_COLUMNS if name not in {"rule_id", "subject"}
)
# Moments as text: Django's conversion of 10,000 of SQLite's costs a fifth of a pass.
COLUMNS = ("rule_id", "subject", "source_id", "state", "side", "fired", "seen", "error", "event_id")
PLACES = Decimal("0.0001")


class Subject(NamedTuple):
    """What a rule is asked about: an instrument, or a part of the installation."""

    name: str
    instrument: int | None = None
    scale: int = 0


@dataclass(slots=True)
class Stand:
    """One state as a pass holds it; `event` is the newest one, its id or the row that this pass will write."""

    standing: Standing = field(default_factory=Standing)
    source: int | None = None
    seen_at: datetime | None = None
    error: str = ""
    event: "AlertEvent | int | None" = None


def stands(**where: Any) -> dict[tuple[int, str], Stand]:
    """The states by rule and subject. One that fired in a time that has not come did so under a wrong clock."""
    latest = clock.now() + SKEW
    rows = AlertState.objects.filter(**where).annotate(
        fired=Cast("fired_at", TextField()), seen=Cast("seen_at", TextField())
    )
    found = {}
    for rule, subject, source, state, side, fired, seen, error, event in rows.values_list(*COLUMNS):
        standing = Standing(state, side, past(fired, latest), event is not None)
        found[rule, subject] = Stand(standing, source, past(seen, latest), error, event)
    return found


def past(text: str | None, latest: datetime) -> datetime | None:
    """A moment as either database writes it in UTC, SQLite without saying so; None for one that has not come."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment if moment <= latest else None


@dataclass(slots=True)
class Findings:
    """What one pass will write. `event` of a state is kept while the alert is open."""

    stands: dict[tuple[int, Subject], Stand] = field(default_factory=dict)
    events: list[AlertEvent] = field(default_factory=list)
    ends: dict[int, datetime] = field(default_factory=dict)

    def changed(self, rule: int, subject: Subject, stand: Stand) -> None:
        self.stands[rule, subject] = stand

    def fired(self, stand: Stand, event: AlertEvent) -> None:
        stand.event = event
        self.events.append(event)

    def ended(self, stand: Stand, time: datetime) -> None:
        if isinstance(stand.event, AlertEvent):
            stand.event.state, stand.event.resolved_at = AlertEvent.State.RESOLVED, time
        elif stand.event is not None:
            self.ends[stand.event] = time
        stand.event = None


def write(found: Findings) -> list[AlertEvent]:
    """Events, their ends and the states; answers the events that are new. The same finding once more writes none."""
    keys = [event.key for event in found.events]
    ids = dict(AlertEvent.objects.filter(key__in=keys).values_list("key", "pk")) if keys else {}
    new = [event for event in found.events if event.key not in ids]
    numbers = AlertNumber.objects.bulk_create([AlertNumber() for _ in new])
    for event, number in zip(new, numbers, strict=True):
        event.pk = ids[event.key] = number.pk
    AlertEvent.objects.bulk_create(new, ignore_conflicts=True)
    route.fired(new)
    end(found.ends)
    now = bulk.moment(clock.now())
    rows = [state_row(rule, subject, stand, ids, now) for (rule, subject), stand in found.stands.items()]
    bulk.insert(STATE, STATE_COLUMNS, rows, REPLACE)
    return new


def state_row(rule: int, subject: Subject, stand: Stand, ids: dict[str, int], now: Any) -> tuple[Any, ...]:
    standing = stand.standing
    event = ids[stand.event.key] if isinstance(stand.event, AlertEvent) else stand.event
    return (
        rule,
        subject.name,
        subject.instrument,
        stand.source,
        standing.state or SUSPENDED,
        standing.side,
        None if standing.fired_at is None else bulk.moment(standing.fired_at),
        now,
        None if stand.seen_at is None else bulk.moment(stand.seen_at),
        stand.error,
        event,
    )


def end(ends: dict[int, datetime]) -> None:
    """Alerts that are over; one statement a moment."""
    by_time: dict[datetime, list[int]] = defaultdict(list)
    for event, time in ends.items():
        by_time[time].append(event)
    for time, events in by_time.items():
        resolve(AlertEvent.objects.filter(pk__in=events), time)


def resolve(events: QuerySet[AlertEvent], time: datetime) -> None:
    """Those of them that were not over yet; whoever was told of them is told. In a transaction, and locked in the order
    in which they are acknowledged: two that lock the same rows in two orders wait for each other."""
    rows = events.exclude(state=AlertEvent.State.RESOLVED).select_for_update(of=("self",)).order_by("pk")
    still = list(rows.values_list("pk", flat=True))
    if still:
        AlertEvent.objects.filter(pk__in=still).update(state=AlertEvent.State.RESOLVED, resolved_at=time)
        route.ended(still)


def record(row: AlertPass, events: list[AlertEvent], seconds: float, *, whole: bool) -> None:
    """Count the pass and its events; each is logged and announced once all of it is committed."""
    row.passes += 1
    row.seconds += seconds
    counts = Counter(row.fired) + Counter(str(event.kind) for event in events)
    row.fired = dict(counts)
    if whole:
        row.ended_at = clock.now()
    row.save()
    transaction.on_commit(lambda: log(events), robust=True)
    transaction.on_commit(lambda: announce.announce(*events), robust=True)


def log(events: list[AlertEvent]) -> None:
    for event in events:
        log_one(event)


def log_one(event: AlertEvent) -> None:
    """One line an event; with LOG_FORMAT=json its object has all of it under `alert`."""
    names = ("id", "rule_number", "kind", "subject", "direction", "window_minutes")
    details: dict[str, Any] = {name: getattr(event, name) for name in names}
    for name in ("change_pct", "threshold_pct", "price"):
        value = getattr(event, name)
        details[name] = None if value is None else f"{value:f}"
    details |= {"observed_at": event.observed_at.isoformat(), "created_at": event.created_at.isoformat()}
    said = f"{event.kind} {event.subject} {event.direction}".strip()
    logger.info("Alert %s of rule %s: %s", event.pk, event.rule_number, said, extra={"details": {"alert": details}})


def lock() -> AlertPass:
    """The row of the evaluation, locked until the transaction ends: one pass writes at a time."""
    AlertPass.objects.get_or_create(pk=1)
    return AlertPass.objects.select_for_update().get(pk=1)
