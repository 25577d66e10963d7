"""The cool-downs of a source, shared by all processes: after a failure, or at its own request."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from markets import clock
from markets.models import Source
from miner.fetch import call_window
from miner.fetch.http import LONGEST_RETRY_AFTER
from miner.models import Spent

logger = logging.getLogger(__name__)

FIRST_COOLDOWN, LONGEST_COOLDOWN = 30, 900
# Longer pauses are asked for by nobody that we obey (miner.fetch.http); a minute for clocks that differ.
LONGEST_PAUSE = timedelta(seconds=LONGEST_RETRY_AFTER) + clock.SKEW


def block(source: Source, seconds: float) -> None:
    """The source asked us to wait (HTTP 429, or 418 from Binance): no process calls it for so many seconds."""
    until = clock.now() + timedelta(seconds=seconds)
    with transaction.atomic():
        row = call_window.locked(source)
        if (end_of_pause(row) or until) <= until:
            Spent.objects.filter(pk=row.pk).update(blocked_until=until)
    logger.warning("%s asked us to wait for %.0f s", source.code, seconds)


def failed(source: Source) -> None:
    """Record a failed call: a cool-down of 30 s for all processes, doubled each time, 15 min at most."""
    with transaction.atomic():
        row = call_window.locked(source)
        seconds = min(FIRST_COOLDOWN * 2 ** min(row.failures, 10), LONGEST_COOLDOWN)
        until = max(filter(None, [end_of_pause(row), clock.now() + timedelta(seconds=seconds)]))
        Spent.objects.filter(pk=row.pk).update(failures=F("failures") + 1, blocked_until=until)


def end_of_pause(row: Spent) -> datetime | None:
    """Until when the source must not be called; None when it may be."""
    now, until = clock.now(), row.blocked_until
    return until if until is not None and now < until <= now + LONGEST_PAUSE else None


def cooling_down() -> QuerySet[Spent]:
    """Those that must not be called now. A pause beyond the longest was set by a clock that was ahead, and is void."""
    now = clock.now()
    return Spent.objects.filter(blocked_until__gt=now, blocked_until__lte=now + LONGEST_PAUSE)


def is_cooling_down(source: Source) -> bool:
    """Whether the source must not be called now, after a failure or at its own request."""
    return cooling_down().filter(source=source).exists()
