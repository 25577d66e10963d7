"""The results of a running job: windows planned and done, rows written, refusals and notes."""

from datetime import date
from typing import TypeAlias

from django.db.models import F

from markets import clock, messages
from markets.jobs import job_leases, runs
from markets.messages import Message
from markets.models import Job

MAX_NOTES = 200
# By code: the first and the last day (ISO), and how many rows.
Brought: TypeAlias = dict[str, tuple[str, str, int]]


def plan(row: Job, windows: int) -> None:
    """Record how many windows are planned; those that a continued job has done already are added."""
    job_leases.own_row(row).update(windows=F("windows_done") + windows)


def progress(
    row: Job,
    *,
    rows_written: int = 0,
    revised: int = 0,
    refused: list[Message] | None = None,
    new_codes: list[str] | None = None,
    left_out: list[str] | None = None,
    windows: int = 0,
    reached: date | None = None,
) -> None:
    """Add the result of one window to the row and renew the lease, in the caller's transaction."""
    changes: dict[str, object] = {
        "rows_written": F("rows_written") + rows_written,
        "revised": F("revised") + revised,
        "refused": F("refused") + len(refused or []),
        "windows_done": F("windows_done") + windows,
        "lease_until": clock.now() + job_leases.LEASE,
    }
    if reached is not None:
        changes["reached"] = reached
    notes = [Message("note_refused", what=what) for what in refused or []]
    notes += [Message("note_left_out", what=what) for what in left_out or []]
    notes += [Message("new_codes", codes=new_codes)] if new_codes else []
    if notes:
        changes |= with_notes(Job.objects.only("notes", "note_messages").get(pk=row.pk), notes)
    if not job_leases.own_row(row).update(**changes):
        raise job_leases.LeaseLost(Message("given_up", job=str(row.pk)))


def with_notes(row: Job, new: list[Message]) -> dict[str, object]:
    """The columns of a job with these notes behind its own, 200 at most (`MAX_NOTES`); texts and messages side by side.

    Where each text was stored before there were messages, its message is null.
    """
    room = max(0, MAX_NOTES - len(row.notes))
    found = [runs.stored(message) for message in new[:room]]
    before = messages.beside(row.notes, row.note_messages)
    return {"notes": [*row.notes, *(text for text, _ in found)], "note_messages": [*before, *(one for _, one in found)]}


def add_accepted(row: Job, rates: int) -> None:
    """Count the rates that passed the validation; kept in the object and written with the traffic, like `brought`."""
    if rates:
        row.details = row.details | {"accepted": row.details.get("accepted", 0) + rates}


def add_brought(row: Job, kind: str, brought: Brought) -> None:
    """Remember what a window that was committed brought of each code; `kind` is the kind of the table.

    The messages of Redis are made of it when the job has ended (`events.messages`). It is kept in the object and
    written with the traffic: a window pays no statement for it, and a job that is killed announces nothing.
    """
    if not brought:
        return
    whole: Brought = dict(row.details.get("brought", {}))
    for code, (first, last, rows) in brought.items():
        start, end, count = whole.get(code, (first, last, 0))
        whole[code] = (min(start, first), max(end, last), count + rows)  # ISO days sort as text
    row.details = row.details | {"kind": kind, "brought": whole}
