"""The health of the polls: how each is doing, who is the one pulse, and what else is wrong."""

from datetime import datetime
from typing import Any

from markets import clock, problems
from markets.queries import source_state
from miner import faults, source_states
from miner.models import Lease, Poll
from miner.pulse.grid import PollJob
from miner.pulse.polls import LEASE, wanted_polls


def health() -> dict[str, Any]:
    """How every poll is doing, whoever starts it, and who is the one pulse.

    `status`: `late` when a poll is, `fault` when something else is wrong that an operator must know of, else `ok`.
    """
    lease, polls = Lease.objects.filter(name=LEASE).first(), poll_states()
    late = any(poll["late"] for poll in polls)
    wrong = [one for one in faults.found(clock.now()) if problems.KINDS[one.kind].strict]
    return {
        "status": "late" if late else "fault" if any(problems.is_unhealthy(one.kind) for one in wrong) else "ok",
        "holder": lease.holder if lease else None,
        "beats": polls,
        "problems": [{"kind": one.kind, "subject": one.subject} for one in wrong],
    }


def poll_states() -> list[dict[str, Any]]:
    """One row a poll that is wanted; `late` when it has not succeeded for too long, or succeeded in the future, or when
    its newest price is too old.

    A source that cools down is no excuse: after failures it always does, and prices grow old all the same.
    """
    now, rows, observed = clock.now(), {row.name: row for row in Poll.objects.all()}, source_states.newest_prices()
    wanted = wanted_polls(cooling=True)
    return [poll_health(poll, rows.get(poll.name), now, observed.get(poll.name)) for poll in wanted]


def poll_health(poll: PollJob, row: Poll | None, now: datetime, observed: datetime | None) -> dict[str, Any]:
    done_at = row.done_at if row else None
    judged = source_state.judge_series(source_states.poll_facts(poll.name, poll.every, row, {}, observed), now)
    return {
        "name": poll.name,
        "every_seconds": poll.every,
        "last_refresh": done_at,
        "next_refresh": poll.next(now),
        "lag_seconds": (now - done_at).total_seconds() if done_at else None,
        "late": judged.is_behind or judged.is_ahead,
        "error": row.error if row else "",
    }
