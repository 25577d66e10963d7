"""What became of a try: its row in the log, the state of its deliveries, the health of its channel."""

import logging
from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from markets import clock
from markets.jobs import runs
from signals.alerts.channels.channel import Failed
from signals.alerts.deliver import backoff, claims, health
from signals.alerts.deliver.claims import Claim
from signals.alerts.deliver.models import Attempt, Channel, Delivery, Sending
from signals.alerts.deliver.seal import Unreadable
from signals.alerts.deliver.steps import CANARY, RESOLVED

logger = logging.getLogger(__name__)

State = Delivery.State
MAX_ERROR = 300


class Outcome(NamedTuple):
    """`failed` is None for a message that was taken. `hangs`: its thread may still send it, so its lease stays."""

    claim: Claim
    started_at: datetime
    milliseconds: int
    status: int = 0
    failed: Failed | None = None
    hangs: bool = False


def settle(outcome: Outcome) -> str:
    """Write it down; answers the state, "" where a later try was begun or nothing is left of the delivery."""
    claim = outcome.claim
    with transaction.atomic():
        lead = Delivery.objects.select_for_update().filter(pk=claim.lead).first()
        if lead is None:
            return ""
        note(outcome)
        if lead.state != State.SENDING or lead.tries != claim.tries:
            return ""
        change = succeeded(outcome) if outcome.failed is None else failure(lead, outcome, outcome.failed)
        rows = claims.together(lead.pk)
        count = rows.update(**change)
        state = str(change.get("state", ""))
        if state == State.DEAD:
            cancel_ends(lead)
        if state:
            record(claim.kind, state, count)
        is_told = health.note(claim.channel, claim.step, outcome.started_at, outcome.failed, dead=state == State.DEAD)
    log(outcome, state, count)
    if is_told:
        health.report()
    return state


def note(outcome: Outcome) -> None:
    Attempt.objects.create(
        delivery_id=outcome.claim.lead,
        number=outcome.claim.tries,
        started_at=outcome.started_at,
        milliseconds=outcome.milliseconds,
        status=outcome.failed.status if outcome.failed else outcome.status,
        ok=outcome.failed is None,
        error=words(outcome.failed),
    )


def words(failed: Failed | None) -> str:
    return runs.scrub(str(failed))[:MAX_ERROR] if failed else ""


def succeeded(outcome: Outcome) -> dict[str, Any]:
    now = clock.now()
    if outcome.claim.step == CANARY:
        Channel.objects.filter(pk=outcome.claim.channel).update(canary_at=now, canary_ms=outcome.milliseconds)
    return {"state": State.SENT, "sent_at": now, "lease_until": None, "error": ""}


def failure(lead: Delivery, outcome: Outcome, failed: Failed) -> dict[str, Any]:
    """Tried again at its next moment, unless there is none or the receiver has said that it is of no use."""
    now = clock.now()
    if failed.gone:
        Channel.objects.filter(pk=outcome.claim.channel).update(enabled=False)
    when = backoff.next_try(lead.key, lead.tries, min(lead.first_try_at or now, now), now, failed.retry_after)
    if failed.gone or failed.final or when is None:
        return {"state": State.DEAD, "lease_until": None, "error": words(failed)}
    if outcome.hangs:
        return {"error": words(failed)}
    return {"state": State.RETRY, "due_at": when, "lease_until": None, "error": words(failed)}


def cancel_ends(lead: Delivery) -> None:
    """Whoever was not told of an alert is not told that it is over."""
    events = claims.together(lead.pk).exclude(event=None).values_list("event", flat=True)
    ends = Delivery.objects.filter(channel=lead.channel_id, step=RESOLVED, state=State.PENDING, event__in=list(events))
    ends.exclude(pk=lead.pk).exclude(lead=lead).update(state=State.CANCELLED)


def record(kind: str, state: str, count: int) -> None:
    """Into the row with which whoever sends has taken its turn."""
    row = Sending.objects.select_for_update().filter(pk=1).first() or Sending.objects.get_or_create(pk=1)[0]
    row.counts = dict(Counter(row.counts) + Counter({f"{kind} {state}": count}))
    row.save(update_fields=["counts"])


def log(outcome: Outcome, state: str, count: int) -> None:
    """One line a try; it names the channel by its number: an address or a key stands in none."""
    claim, failed = outcome.claim, outcome.failed
    details = {
        "key": claim.message.key,
        "channel": claim.channel,
        "kind": claim.kind,
        "step": claim.step,
        "try": claim.tries,
        "state": state or State.SENDING,
        "deliveries": count,
        "milliseconds": outcome.milliseconds,
        "status": failed.status if failed else outcome.status,
        "error": words(failed),
    }
    level = logging.INFO if failed is None else logging.WARNING
    said = f"{claim.message.type} for channel {claim.channel} ({claim.kind}), try {claim.tries}: {details['state']}"
    logger.log(level, "Delivery %s", f"{said} {words(failed)}".strip(), extra={"details": {"delivery": details}})


def hanging() -> Failed:
    return Failed(_("Odbiorca nie odpowiedział w czasie"))


def unusable(error: Exception) -> Failed:
    """Why nothing can be sent at all: trying again is of no use."""
    if isinstance(error, Unreadable):
        return Failed(
            _("Konfiguracji kanału nie da się odczytać (zmienił się SECRET_KEY): ustaw ją od nowa"), final=True
        )
    return Failed(_("Ta instalacja nie zna kanałów tego rodzaju"), final=True)
