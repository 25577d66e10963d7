"""Where work becomes a status: the row is written before the work, and every end of the work ends the row.

An exception tells its own reason by an attribute `reason` (one of `Job.Reason`); one without is a fault of the program.
A running job holds a lease; whoever starts next gives up those whose lease ran out or whose process is gone.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, TypeAlias

import stamina
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, models, transaction
from django.db.models import F, Q

from markets import clock, events
from markets.jobs.redact import without_secrets
from markets.models import Job, Source
from markets.redis import client as redis_client

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=120)
# A continuation waits in the queue; a killed worker's task comes back after 300 s.
QUEUED_LEASE = timedelta(seconds=600)
MAX_NOTES = 200
MAX_ERROR = 500

# By code: the first and the last day (ISO), and how many rows.
Brought: TypeAlias = dict[str, tuple[str, str, int]]
Status: TypeAlias = Job.Status
Reason: TypeAlias = Job.Reason


class Busy(Exception):
    """The same job is running elsewhere."""


class LeaseLost(Exception):
    """The job was given up meanwhile: whoever holds it now must not be disturbed."""

    reason = Reason.LOST


class Skip(Exception):
    """Nothing to do, and that is right: weekend, holiday, not out yet."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Pause(Exception):
    """The time of one task is over; the job stays open for its continuation, which `then` enqueues."""

    def __init__(self, on_continue: Callable[[int], object]) -> None:
        super().__init__("continued")
        self.on_continue = on_continue


def this_process() -> str:
    """This process, as it signs a lease."""
    return f"{socket.gethostname()}:{os.getpid()}"


def scrub(text: str) -> str:
    """Without secrets, on one line, short."""
    return " ".join(without_secrets(text).split())[:MAX_ERROR]


@contextmanager
def job(
    job_type: str, source: Source | None = None, trigger: str = Job.Trigger.SCHEDULE, resume: int | None = None
) -> Iterator[Job]:
    """A row for the work in the block. `resume` takes up the paused job of that id if it is still open.

    Raises `Busy` before the block when the same job runs elsewhere. `Skip` and `Pause` end here; every other exception
    is recorded and goes on.
    """
    row = take_up(resume, job_type) or start(job_type, source, trigger)
    try:
        yield row
    except Skip as skip:
        finish(row, Status.SKIPPED, skip.reason)
    except Pause as pause:
        release(row, pause.on_continue)
    except BaseException as error:
        fail(row, error)
        raise
    else:
        finish(row, Status.SUCCESS)


def start(job_type: str, source: Source | None, trigger: str) -> Job:
    reap(job_type=job_type)
    now = clock.now()
    try:
        with transaction.atomic():
            return Job.objects.create(
                job_type=job_type,
                source=source,
                trigger=trigger,
                started_at=now,
                worker=this_process(),
                lease_until=now + LEASE,
            )
    except IntegrityError:
        raise Busy(job_type) from None


def take_up(pk: int | None, job_type: str) -> Job | None:
    """The paused job, now ours; None when it is not waiting any more."""
    if pk is None:
        return None
    waiting = Job.objects.filter(pk=pk, job_type=job_type, status=Status.RUNNING, worker="")
    if not waiting.update(worker=this_process(), lease_until=clock.now() + LEASE):
        return None
    return Job.objects.get(pk=pk)


def release(row: Job, on_continue: Callable[[int], object]) -> None:
    """Let go and enqueue in one transaction: the continuation never meets a job that is still held, nor gets lost."""
    with transaction.atomic():
        if own_row(row).update(worker="", lease_until=clock.now() + QUEUED_LEASE, **traffic(row)):
            on_continue(row.pk)
    row.refresh_from_db()


def own_row(row: Job) -> models.QuerySet[Job]:
    """The row while it is still ours."""
    return Job.objects.filter(pk=row.pk, status=Status.RUNNING, worker=this_process())


def traffic(row: Job) -> dict[str, Any]:
    """What the object alone holds while the job works."""
    counters = {"requests": row.requests, "retries": row.retries, "waited_seconds": row.waited_seconds}
    return counters | ({"details": row.details} if "brought" in row.details else {})


def plan(row: Job, windows: int) -> None:
    """Say how many windows are ahead; a job taken up again has some behind it."""
    own_row(row).update(windows=F("windows_done") + windows)


def renew(row: Job) -> None:
    """Hold the lease on; raises LeaseLost when another has given the job up."""
    if not own_row(row).update(lease_until=clock.now() + LEASE):
        raise LeaseLost(f"job {row.pk} was given up")


def progress(
    row: Job,
    *,
    rows_written: int = 0,
    revised: int = 0,
    refused: list[str] | None = None,
    new_codes: list[str] | None = None,
    left_out: list[str] | None = None,
    windows: int = 0,
    reached: date | None = None,
) -> None:
    """Add to the row what one window brought, and renew its lease, in the caller's transaction."""
    changes: dict[str, object] = {
        "rows_written": F("rows_written") + rows_written,
        "revised": F("revised") + revised,
        "refused": F("refused") + len(refused or []),
        "windows_done": F("windows_done") + windows,
        "lease_until": clock.now() + LEASE,
    }
    if reached is not None:
        changes["reached"] = reached
    notes = [f"refused: {text}" for text in refused or []]
    notes += [f"left out of the table published again: {text}" for text in left_out or []]
    notes += [f"new codes: {', '.join(new_codes)}"] if new_codes else []
    if notes:
        kept = Job.objects.values_list("notes", flat=True).get(pk=row.pk)
        changes["notes"] = [*kept, *notes][:MAX_NOTES]
    if not own_row(row).update(**changes):
        raise LeaseLost(f"job {row.pk} was given up")


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


def finish(row: Job, status: Status, reason: str = "", error: str = "") -> None:
    changed = own_row(row).update(
        status=status, reason=reason, error=error, finished_at=clock.now(), lease_until=None, **traffic(row)
    )
    if not (changed and status == Status.SKIPPED and collapse(row, reason)):
        row.refresh_from_db()
    events.ended.send(sender=Job, job=row)


def fail(row: Job, error: BaseException) -> None:
    """Record the failure, and tell the message log of it; a database that cannot even take that leaves the lease to
    run out.
    """
    reason = getattr(error, "reason", Reason.STORAGE if isinstance(error, DatabaseError) else Reason.ERROR)
    if isinstance(error, KeyboardInterrupt | SystemExit):
        reason = Reason.STOPPED
    words = scrub(f"{type(error).__name__}: {error}")
    try:
        for attempt in stamina.retry_context(on=lost_connection, attempts=4, wait_initial=1, wait_max=4, timeout=None):
            with attempt:
                renew_connection()
                finish(row, Status.FAILED, reason, words)
    except (DatabaseError, Job.DoesNotExist):
        logger.exception("Job %s failed and the database could not take that down", row.pk)
    redis_client.note_error(row.job_type, "market-data", words)


def lost_connection(error: Exception) -> bool:
    """The server ended our connection or takes no new ones: a restart lasts a few seconds."""
    return isinstance(error, OperationalError | InterfaceError) and connection.vendor == "postgresql"


def renew_connection() -> None:
    """A connection that the server has ended is closed, the next question opens another."""
    if connection.errors_occurred and not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def collapse(row: Job, reason: str) -> bool:
    """A repeat of the same skip on the same day becomes a count on the earlier row, which tells of the newest.

    The next run may end, and be put onto this one, at the same moment: the rows are taken in their order, and one that
    has been put onto its own earlier one meanwhile is left alone.
    """
    with transaction.atomic():
        before = Job.objects.select_for_update().filter(job_type=row.job_type, pk__lt=row.pk)
        earlier = before.order_by("-pk").first()
        if earlier is None or (earlier.status, earlier.reason) != (Status.SKIPPED, reason):
            return False
        if earlier.started_at.astimezone(clock.WARSAW).date() != clock.today():
            return False
        current = Job.objects.select_for_update().get(pk=row.pk)
        Job.objects.filter(pk=row.pk).delete()
        Job.objects.filter(pk=earlier.pk).update(
            repeats=F("repeats") + 1 + current.repeats,
            started_at=current.started_at,
            finished_at=current.finished_at,
            requests=F("requests") + current.requests,
        )
        row.pk = earlier.pk
        row.refresh_from_db()
    return True


def reap(**which: str) -> int:
    """Give up the running jobs whose lease ran out or whose process, on this machine, is gone."""
    running = Job.objects.filter(status=Status.RUNNING, **which)
    expired = Q(lease_until__lt=clock.now()) | Q(lease_until__isnull=True)
    lost_connection = [row.pk for row in running.exclude(worker="") if not is_alive(row.worker)]
    return end(running.filter(expired | Q(pk__in=lost_connection)), Reason.LOST)


def stop() -> int:
    """Charon ends on this machine: what its processes were doing is put down as interrupted."""
    here = Job.objects.filter(status=Status.RUNNING, worker__startswith=f"{socket.gethostname()}:")
    lost_connection = [row.pk for row in here if not is_alive(row.worker)]
    return end(here.filter(pk__in=lost_connection), Reason.STOPPED)


def abandon(pk: int | None) -> None:
    """A paused job whose continuation will not come: it was stopped, not lost."""
    if pk is not None:
        end(Job.objects.filter(pk=pk, status=Status.RUNNING, worker=""), Reason.STOPPED)


def end(rows: models.QuerySet[Job], reason: Reason) -> int:
    count = rows.update(
        status=Status.FAILED, reason=reason, error=reason.value, finished_at=clock.now(), lease_until=None
    )
    if count:
        events.ended.send(sender=Job, job=None)
    return count


def is_alive(worker: str) -> bool:
    """Whether that process may still work; one of another machine is believed until its lease runs out."""
    host, _, pid = worker.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
