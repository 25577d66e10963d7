"""The sliding window of calls of one source: what its limit is, what is used, when there is room again."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from markets import clock
from markets.models import Source
from miner.models import Spent


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limit of a source: `calls` (0: no limit) in `seconds`; `reserve` of them are for critical instruments."""

    calls: int
    seconds: int
    reserve: int = 0


def locked(source: Source) -> Spent:
    rows = Spent.objects.select_for_update().filter(source=source)
    return rows.first() or (Spent.objects.get_or_create(source=source) and rows.get())


def effective(allowance: Allowance, row: Spent) -> Allowance:
    """The allowance, reduced to what the source itself reports (`record_allowed`) if that is less."""
    if not row.allowed or row.allowed >= allowance.calls > 0:
        return allowance
    return replace(allowance, calls=row.allowed, reserve=min(allowance.reserve, row.allowed - 1))


def recent(row: Spent, allowance: Allowance, now: datetime) -> list[list[float]]:
    """The calls of the current window; one from the future (a clock was set back) counts as made now.

    But one that lies a whole window ahead would count as made now for ever: it is void.
    """
    oldest, latest = now.timestamp() - allowance.seconds, now.timestamp() + allowance.seconds
    return [[min(at, now.timestamp()), calls] for at, calls in row.takes if oldest < at <= latest]


def free_at(takes: list[list[float]], allowance: Allowance, limit: int, calls: int, now: datetime) -> datetime | None:
    """None if `calls` more fit under `limit` now, else the time at which enough old calls have left the window.

    More calls than the limit fit only into an empty window.
    """
    used = sum(number for _, number in takes)
    if not takes or used + calls <= limit:
        return None
    left = used
    for at, number in takes:
        left -= number
        if left + calls <= limit or left <= 0:
            return datetime.fromtimestamp(at + allowance.seconds, UTC)
    return now + timedelta(seconds=allowance.seconds)


def beyond(row: Spent, allowance: Allowance | None, used: int | None) -> float:
    if allowance is None or used is None:
        return 0
    return used - sum(number for _, number in recent(row, allowance, clock.now()))
