"""The health of the polls: how each is doing, and who is the one pulse."""

from datetime import datetime, timedelta
from typing import Any

from markets import clock
from miner.models import Lease, Poll
from miner.pulse.polls import LEASE, PollJob, wanted_polls

# As with SyncStatus: two may be missed and half a one be late.
LATE = 2.5
START = timedelta(seconds=60)


def health() -> dict[str, Any]:
    """How every poll is doing, whoever starts it, and who is the one pulse; `late` when a poll is."""
    lease, polls = Lease.objects.filter(name=LEASE).first(), poll_states()
    late = any(poll["late"] for poll in polls)
    return {"status": "late" if late else "ok", "holder": lease.holder if lease else None, "beats": polls}


def poll_states() -> list[dict[str, Any]]:
    """One row a poll that is wanted; `late` when it has not succeeded for too long.

    A source that cools down is no excuse: after failures it always does, and prices grow old all the same.
    """
    now, rows = clock.now(), {row.name: row for row in Poll.objects.all()}
    return [poll_health(poll, rows.get(poll.name), now) for poll in wanted_polls(cooling=True)]


def poll_health(poll: PollJob, row: Poll | None, now: datetime) -> dict[str, Any]:
    done_at = row.done_at if row else None
    lag = (now - done_at).total_seconds() if done_at else None
    patience = LATE * poll.every + START.total_seconds()
    # Never done: its task waits since it was asked for, for a poll is not enqueued twice.
    since = done_at or (row.asked_at if row else None)
    failing = row is not None and done_at is None and bool(row.error)
    return {
        "name": poll.name,
        "every_seconds": poll.every,
        "last_refresh": done_at,
        "next_refresh": poll.next(now),
        "lag_seconds": lag,
        "late": failing or (since is not None and (now - since).total_seconds() > patience),
        "error": row.error if row else "",
    }
