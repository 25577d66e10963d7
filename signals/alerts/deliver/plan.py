"""Which of the deliveries that are due go out as one message now, and which wait, and why. It writes nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from signals.alerts.deliver import quiet
from signals.alerts.deliver.models import Channel, Delivery
from signals.alerts.deliver.steps import MANUAL

GROUP = timedelta(minutes=5)
STORM = timedelta(minutes=10)
MOST_IN_A_STORM = 20
Held = Delivery.Held


class Told(NamedTuple):
    """A message that went to the channel lately: its cause, and when it was first tried."""

    cause: str
    at: datetime


class Hold(NamedTuple):
    held: str
    until: datetime


def bundles(rows: Iterable[Delivery]) -> list[list[Delivery]]:
    """What goes out together: what has one cause, and all that waited for the end of a storm or of quiet hours, the
    urgent apart. The urgent first, then the oldest."""
    found = dict[tuple[str, ...], list[Delivery]]()
    for row in rows:
        found.setdefault(bundle_of(row), []).append(row)
    return sorted(found.values(), key=lambda one: not one[0].critical)


def bundle_of(row: Delivery) -> tuple[str, ...]:
    if row.step in MANUAL:
        return (row.step, str(row.key))
    if row.held in {Held.STORM, Held.QUIET}:
        return (row.held, "critical" if row.critical else "")
    return ("cause", row.cause)


def hold(channel: Channel, bundle: Sequence[Delivery], told: Sequence[Told], now: datetime) -> Hold | None:
    """Why this bundle waits, and until when; None for one that goes now. `told`: the last ten minutes, oldest first."""
    lead = bundle[0]
    if lead.step in MANUAL:
        return None
    end = None if lead.critical else quiet.ends(channel, now)
    if end is not None:
        return Hold(Held.QUIET, end)
    if lead.held in {Held.STORM, Held.QUIET}:
        return None
    same = [one.at for one in told if one.cause == lead.cause and one.at > now - GROUP]
    if same:
        return Hold(Held.GROUP, same[-1] + GROUP)
    if len(told) >= MOST_IN_A_STORM:
        return Hold(Held.STORM, told[0].at + STORM)
    return None
