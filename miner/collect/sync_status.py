"""The state of each listing as its last refresh left it, and what is shown of it."""

from collections.abc import Iterable
from datetime import timedelta

from markets import clock
from markets.jobs import runs
from markets.messages import Message
from markets.models import Listing
from miner.models import SyncStatus

State = SyncStatus.State
# Two polls may be missed and half a one be late.
STALE_BEATS = 2.5
# A task is killed after 60 s: who still says so after this is dead.
AT_WORK = timedelta(seconds=120)


def mark(listings: Iterable[Listing], state: State, reason: str = "", error: str = "") -> None:
    """Write the state of these listings; a success also ends what was said of failures."""
    now = clock.now()
    moments = {State.IN_PROGRESS: {"last_attempt_at": now}, State.SUCCESS: {"last_success_at": now}}.get(state, {})
    text, message = runs.stored(Message.of(error)) if error else ("", None)
    told = {"reason": reason, "error": text, "error_message": message}
    rows = [SyncStatus(listing=listing, state=state, **told, **moments) for listing in listings]
    if rows:
        fields = ["state", *told, *moments]
        SyncStatus.objects.bulk_create(rows, update_conflicts=True, unique_fields=["listing"], update_fields=fields)


def state_of(row: SyncStatus, polling_interval: int) -> str:
    """What is stored, or `stale` when the last success is older than two and a half polling intervals, or has not come.

    Whoever was killed at work left its rows in progress: then the last success is what is known.
    """
    now = clock.now()
    at_work = row.state == State.IN_PROGRESS
    dead = at_work and (row.last_attempt_at is None or now - row.last_attempt_at > AT_WORK)
    if dead and row.last_success_at is None:
        return State.PENDING
    if row.last_success_at is None or (row.state != State.SUCCESS and not dead):
        return row.state
    fresh_for = STALE_BEATS * timedelta(seconds=polling_interval)
    return State.SUCCESS if -clock.SKEW <= now - row.last_success_at <= fresh_for else State.STALE
