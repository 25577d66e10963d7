"""The newest alerts of one coin, whatever it is quoted in."""

from typing import Any

from django.utils.translation import gettext as _

from charon.pages import rows
from markets import formats
from markets.licence import Audience
from markets.queries.followed import Followed
from markets.views import Row
from signals.alerts import rows as alert_rows
from signals.alerts import words
from signals.alerts.models import AlertEvent

SHOWN = 10
COLUMNS = tuple(dict.fromkeys((*words.COLUMNS, "id", "instrument__code", "created_at", "state")))
HOUR_MINUTES, DAY_MINUTES = 60, 24 * 60


def recent(one: Followed) -> list[Row]:
    """One query; no model objects."""
    whose = {"instrument__base": one.base, "instrument__kind": one.kind} if one.is_coin else {"instrument": one.pk}
    found = alert_rows.events(Audience.PAGE).filter(**whose)
    return [alert_row(event) for event in found.values(*COLUMNS)[:SHOWN]]


def alert_row(event: dict[str, Any]) -> Row:
    change = event["change_pct"]
    return {
        "code": event["instrument__code"],
        "at": event["created_at"],
        "window": window_text(event["window_minutes"]),
        "percent": "" if change is None else formats.percent(change),
        "direction": event["direction"] or "flat",
        "arrow": rows.ARROWS.get(event["direction"], ""),
        "text": words.what(event),
        "state": str(AlertEvent.State(event["state"]).label),
    }


def window_text(minutes: int | None) -> str:
    """`10 min`, `1 h`, `7 dni`; nothing for what has no window."""
    if not minutes:
        return ""
    if minutes % DAY_MINUTES == 0:
        return formats.plural(minutes // DAY_MINUTES, _("dzień,dni,dni"))
    if minutes % HOUR_MINUTES == 0:
        return f"{formats.whole(minutes // HOUR_MINUTES)}{formats.NBSP}h"
    return f"{formats.whole(minutes)}{formats.NBSP}min"
