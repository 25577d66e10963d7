"""The rules that nobody has to make: every followed asset, with the window and the threshold of the settings, and, for
whom a channel reaches, what is wrong with the installation."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from markets import clock
from signals.alerts import standings
from signals.alerts.models import AlertDefaults, AlertRule, Channel, Direction, Kind

# As many as the column has: more would make the rule another one each time it is looked at.
PLACES = Decimal("0.0001")
# What operators are told of without asking.
OPERATORS = (Kind.SOURCE_STALE, Kind.CHANNEL_BROKEN)


def defaults() -> dict[str, Any]:
    """What holds: the last `PUT /config/alerts-defaults`, else the settings."""
    names = ("window_minutes", "threshold_pct", "direction", "enabled")
    if row := AlertDefaults.objects.values(*names).first():
        return dict(row)
    return {
        "window_minutes": settings.ALERT_WINDOW_MINUTES,
        "threshold_pct": Decimal(str(settings.ALERT_THRESHOLD_PCT)).quantize(PLACES),
        "direction": Direction.BOTH.value,
        "enabled": True,
    }


def keep() -> None:
    """Make the rules what they should be; one that is so already is not written."""
    keep_move()
    keep_operators()


def keep_move() -> None:
    wanted = defaults()
    there = AlertRule.objects.filter(automatic=True, kind=Kind.MOVE).values("pk", *wanted).first()
    if there is None:
        AlertRule.objects.get_or_create(automatic=True, kind=Kind.MOVE, defaults={"created_at": clock.now(), **wanted})
    elif {name: there[name] for name in wanted} != wanted:
        AlertRule.objects.filter(pk=there["pk"]).update(**wanted)


def keep_operators() -> None:
    """One rule of each kind while there is a channel to tell it by. A rule that somebody made about all sources stands
    in its place, also a disabled one: that is how operators switch it off."""
    kinds: set[str] = set(OPERATORS) if Channel.objects.filter(enabled=True).exists() else set()
    there, made = set[str](), set[str]()
    for kind, is_automatic in AlertRule.objects.filter(kind__in=OPERATORS, source=None).values_list(
        "kind", "automatic"
    ):
        (there if is_automatic else made).add(kind)
    wanted = kinds - made
    for kind in sorted(wanted - there):
        AlertRule.objects.get_or_create(automatic=True, kind=kind, defaults={"created_at": clock.now()})
    if there - wanted:
        remove(there - wanted)


@transaction.atomic
def remove(kinds: set[str]) -> None:
    """A new one begins anew: what is still wrong by then is told to the channels of then."""
    standings.lock()  # a pass writes states and events of these rules at the same time
    AlertRule.objects.filter(automatic=True, kind__in=kinds).delete()
