"""The message of deliveries that go out together, in the language of their channel."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid5

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from markets import formats
from signals.alerts import rows, words
from signals.alerts.channels.channel import Message
from signals.alerts.deliver import links
from signals.alerts.deliver.models import Channel, Delivery
from signals.alerts.deliver.steps import ESCALATIONS, MANUAL, NAMESPACE, RESOLVED, TEST
from signals.alerts.models import AlertEvent, Kind

logger = logging.getLogger(__name__)

DIGEST = "digest"
# So many alerts of a digest are written out: a webhook's body stays under 20 kB, a line is 100 characters.
MOST = 30


def build(deliveries: Sequence[Delivery], channel: Channel) -> Message:
    """Of one delivery or of several, the oldest first. An event that fired and ended in between is told once."""
    lead = deliveries[0]
    with translation.override(channel.language):
        if lead.step in MANUAL:
            return by_hand(lead, channel)
        steps = last_steps(deliveries)
        title, text = single(*steps[0]) if len(steps) == 1 else digest(steps)
        return Message(
            key=str(lead.key),
            type=f"alert.{steps[0][1] if len(steps) == 1 else DIGEST}",
            title=title,
            text=text,
            incident=str(uuid5(NAMESPACE, steps[0][0].key)) if len(steps) == 1 else str(lead.key),
            at=lead.created_at,
            critical=any(one.critical for one in deliveries),
            link=link(steps),
            data=data(steps),
        )


def last_steps(deliveries: Sequence[Delivery]) -> list[tuple[AlertEvent, str]]:
    """The events in their order, each with what was last to be told of it."""
    steps = dict[int, tuple[AlertEvent, str]]()
    for one in deliveries:
        if one.event is not None:
            steps[one.event.pk] = (one.event, one.step)
    return list(steps.values())


def by_hand(lead: Delivery, channel: Channel) -> Message:
    """What the test button and the daily test send."""
    if lead.step == TEST:
        title, text = _("Próbna wiadomość"), _("Kanał „%(channel)s” działa: ta wiadomość doszła.")
    else:
        title, text = _("Codzienna próba"), _("Kanał „%(channel)s” działa. Ta wiadomość przychodzi raz na dobę.")
    return Message(
        key=str(lead.key),
        type=f"alert.{lead.step}",
        title=title,
        text=text % {"channel": channel.name},
        incident=str(lead.key),
        at=lead.created_at,
        data={"type": lead.step},
    )


def single(event: AlertEvent, step: str) -> tuple[str, str]:
    asset = {"asset": words.asset(words.of_event(event))}
    if step == RESOLVED:
        return _("%(asset)s: alert ustąpił") % asset, line(event, step)
    if step in ESCALATIONS:
        minutes = formats.plural(int(ESCALATIONS[step].total_seconds() / 60), _("minuty,minut,minut"))
        ask = _("Od %(minutes)s nikt nie potwierdził tego alertu.") % {"minutes": minutes}
        return _("%(asset)s: nikt nie potwierdził alertu") % asset, f"{line(event, step)}\n{ask}"
    if event.instrument is None:
        return words.capital(Kind(event.kind).label), line(event, step)
    return f"{asset['asset']}: {Kind(event.kind).label}", line(event, step)


def line(event: AlertEvent, step: str) -> str:
    """One whose text cannot be made still arrives, and stops no other."""
    try:
        said = words.of_event(event)
        text = "; ".join(filter(None, (words.sentence(said), words.suspended(said))))
    except Exception:
        logger.exception("The alert %s cannot be put into words", event.pk)
        text = f"{event.kind} {event.subject}".strip()
    return f"{text}, {words.end(event)}" if step == RESOLVED else text


def digest(steps: list[tuple[AlertEvent, str]]) -> tuple[str, str]:
    kinds = {step for _event, step in steps}
    if kinds == {RESOLVED}:
        title = _("Alerty, które ustąpiły: %(count)s")
    elif kinds <= set(ESCALATIONS):
        title = _("Alerty, których nikt nie potwierdził: %(count)s")
    else:
        title = _("Alerty: %(count)s")
    lines = [line(event, step) for event, step in steps[:MOST]]
    more = len(steps) - len(lines)
    if more:
        lines.append(_("…i jeszcze %(alerts)s") % {"alerts": formats.plural(more, _("alert,alerty,alertów"))})
    return title % {"count": formats.whole(len(steps))}, "\n".join(lines)


def link(steps: list[tuple[AlertEvent, str]]) -> str:
    """Where one alert is acknowledged; of several, or of one that is over, the list of alerts."""
    if not settings.PUBLIC_URL:
        return ""
    event, step = steps[0]
    path = links.path(event.pk) if len(steps) == 1 and step != RESOLVED else reverse("alerts")
    return f"{settings.PUBLIC_URL}{path}"


def data(steps: list[tuple[AlertEvent, str]]) -> dict[str, Any]:
    """The items of `GET /alerts`, each with its `type`: the only one itself, of several a list of the first ones."""
    shown = steps[:MOST]
    found = rows.event_rows(AlertEvent.objects.filter(pk__in=[event.pk for event, _step in shown]))
    items = {item["id"]: {name: jsonable(value) for name, value in item.items()} for item in found}
    alerts = [{"type": step, **items[event.pk]} for event, step in shown]
    return alerts[0] if len(steps) == 1 else {"type": DIGEST, "count": len(steps), "alerts": alerts}


def jsonable(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def pack(message: Message) -> dict[str, Any]:
    """As JSON. The data as its text: PostgreSQL's jsonb orders the keys anew, and every try sends the same bytes."""
    return {**message._asdict(), "at": message.at.isoformat(), "data": json.dumps(message.data)}


def unpack(kept: dict[str, Any]) -> Message:
    return Message(**{**kept, "at": datetime.fromisoformat(kept["at"]), "data": json.loads(kept["data"])})
