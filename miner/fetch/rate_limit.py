"""The rate limit of each source, shared by all processes through the database.

The limit is a number of calls, or of weight, in a sliding window. One row per source, locked while it is read and
written, holds the calls of the current window. A fixed window would let twice the limit pass at its border. Only the
database is shared by all processes; a lock there takes a few milliseconds, a request about a hundred.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F

from markets import clock
from markets.messages import Message
from markets.models import Source
from miner.fetch import call_window, cooldown
from miner.fetch.call_window import Allowance
from miner.fetch.errors import ProviderError
from miner.models import Spent

logger = logging.getLogger(__name__)

LONGEST_SLEEP = 5.0
DAY = timedelta(days=1)


class Exhausted(ProviderError):
    """The rate limit allows the call only at `until`, which is later than the caller can wait."""

    reason = "budget"

    def __init__(self, source: str, until: datetime, cooling_down: bool = False) -> None:
        super().__init__(Message("cooling" if cooling_down else "budget_used", source=source, until=until))
        self.until = until


@dataclass(frozen=True, slots=True)
class Budget:
    """The state of one source's rate limit, as the API and the admin show it."""

    limit: int
    window_seconds: int
    current_calls: int
    remaining: int
    reset_at: datetime | None
    total_calls: int
    total_waits: int


NONE = Budget(0, 0, 0, 0, None, 0, 0)


def take(source: Source, allowance: Allowance, calls: int = 1, critical: bool = False, patience: float = 0) -> float:
    """Take `calls` from the window, waiting up to `patience` seconds; returns the seconds that it waited.

    Raises Exhausted when the window has no room in that time. Calls of a source without a limit are only counted.
    """
    started = time.monotonic()
    deadline = started + patience
    waited = False
    while (until := attempt(source, allowance, calls, critical, waited)) is not None:
        pause = max(0.05, (until - clock.now()).total_seconds())
        if time.monotonic() + pause > deadline:
            Spent.objects.filter(source=source).update(total_waits=F("total_waits") + 1)
            exhausted = Exhausted(source.code, until, cooldown.is_cooling_down(source))
            logger.info("Given up: %s", exhausted)
            raise exhausted
        if not waited:
            logger.info("The budget of %s is used up; waiting %.1f s", source.code, pause)
        waited = True
        time.sleep(min(pause, LONGEST_SLEEP))
    return time.monotonic() - started if waited else 0.0


def attempt(
    source: Source, allowance: Allowance, calls: int, critical: bool, waited: bool, divisible: bool = False
) -> datetime | None:
    """Take the calls now and return None, or return the time at which the window has room for them.

    Into an empty window go also more calls than its limit, but those that are `divisible`, which others may take apart.
    """
    now = clock.now()
    with transaction.atomic():
        row = call_window.locked(source)
        if (paused_until := cooldown.end_of_pause(row)) is not None:
            return paused_until
        allowance = call_window.effective(allowance, row)
        takes = call_window.recent(row, allowance, now)
        limit = allowance.calls if critical else max(1, allowance.calls - allowance.reserve)
        if divisible and calls > limit > 0 and allowance.calls:
            return now + timedelta(seconds=allowance.seconds)
        if allowance.calls and (until := call_window.free_at(takes, allowance, limit, calls, now)):
            return until
        row.takes = [*takes, [now.timestamp(), calls]]
        row.total_calls += calls
        row.total_waits += waited
        row.save()
    return None


def spent(source: Source, allowance: Allowance, calls: int) -> None:
    """Count calls that were made beyond those taken (retries), so that the next caller has less."""
    if calls <= 0:
        return
    now = clock.now()
    with transaction.atomic():
        row = call_window.locked(source)
        row.takes = [*call_window.recent(row, allowance, now), [now.timestamp(), calls]]
        row.total_calls += calls
        row.save(update_fields=["takes", "total_calls"])


def is_known(source: Source) -> bool:
    """Whether the source reported its limit within the last 24 hours."""
    return Spent.objects.filter(source=source, allowed_at__gt=clock.now() - DAY).exists()


def record_allowed(source: Source, allowed: int | None) -> None:
    """Store the limit that the source reports; None if it reports none."""
    with transaction.atomic():
        row = call_window.locked(source)
        row.allowed, row.allowed_at = allowed, clock.now()
        row.save(update_fields=["allowed", "allowed_at"])


def answered(source: Source, allowance: Allowance | None = None, used: int | None = None) -> None:
    """Record a successful response: reset the count of failures. As a rule there is nothing to write.

    `used`: the calls that the source itself has counted; those beyond our own count are added to the window.
    """
    row = Spent.objects.filter(source=source).first()
    if row is not None and not row.failures and call_window.beyond(row, allowance, used) <= 0:
        return
    with transaction.atomic():
        row = call_window.locked(source)
        more = call_window.beyond(row, allowance, used)
        if allowance is not None and more > 0:
            row.takes = [*call_window.recent(row, allowance, clock.now()), [clock.now().timestamp(), more]]
        row.failures = 0
        row.save(update_fields=["takes", "failures"])


def used_up(source: Source, allowance: Allowance, calls: int = 1) -> bool:
    """Whether so many calls would have to wait now. Reads only: nothing is taken, counted or logged."""
    now = clock.now()
    row = Spent.objects.filter(source=source).first()
    if row is None or not allowance.calls:
        return False
    allowance = call_window.effective(allowance, row)
    limit = max(1, allowance.calls - allowance.reserve)
    return call_window.free_at(call_window.recent(row, allowance, now), allowance, limit, calls, now) is not None


def state(source: Source, allowance: Allowance) -> Budget:
    now = clock.now()
    row = Spent.objects.filter(source=source).first() or Spent(source=source)
    allowance = call_window.effective(allowance, row)
    takes = call_window.recent(row, allowance, now)
    used = int(sum(number for _, number in takes))
    blocked = cooldown.end_of_pause(row)
    reset = datetime.fromtimestamp(takes[0][0] + allowance.seconds, UTC) if takes else None
    return Budget(
        limit=allowance.calls,
        window_seconds=allowance.seconds,
        current_calls=used,
        remaining=0 if blocked else max(0, allowance.calls - used),
        reset_at=blocked or reset,
        total_calls=row.total_calls,
        total_waits=row.total_waits,
    )
