"""The cool-downs of a source, shared by all processes: after a failure, or at its own request."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from markets import clock
from markets.models import Source
from miner.fetch import call_window
from miner.models import Spent

logger = logging.getLogger(__name__)

FIRST_COOLDOWN, LONGEST_COOLDOWN = 30, 900


def block(source: Source, seconds: float) -> None:
    """The source asked us to wait (HTTP 429, or 418 from Binance): no process calls it for so many seconds."""
    until = clock.now() + timedelta(seconds=seconds)
    with transaction.atomic():
        row = call_window.locked(source)
        if row.blocked_until is None or row.blocked_until < until:
            Spent.objects.filter(pk=row.pk).update(blocked_until=until)
    logger.warning("%s asked us to wait for %.0f s", source.code, seconds)


def failed(source: Source) -> None:
    """Record a failed call: a cool-down of 30 s for all processes, doubled each time, 15 min at most."""
    with transaction.atomic():
        row = call_window.locked(source)
        seconds = min(FIRST_COOLDOWN * 2 ** min(row.failures, 10), LONGEST_COOLDOWN)
        until = max(filter(None, [row.blocked_until, clock.now() + timedelta(seconds=seconds)]))
        Spent.objects.filter(pk=row.pk).update(failures=F("failures") + 1, blocked_until=until)


def is_cooling_down(source: Source) -> bool:
    """Whether the source must not be called now, after a failure or at its own request."""
    return Spent.objects.filter(source=source, blocked_until__gt=clock.now()).exists()
