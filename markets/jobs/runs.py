"""The life of a Job row: started before the work, leased while it runs, ended whatever happens.

An exception names its reason in an attribute `reason` (one of `Job.Reason`); one without is recorded as `error`.
The next start of a job type fails the running jobs of that type whose lease expired or whose process is gone.
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
# A continuation waits in the queue; the queue delivers a killed worker's task again after 300 s (Q_CLUSTER's `retry`).
QUEUED_LEASE = timedelta(seconds=600)
MAX_NOTES = 200
MAX_ERROR = 500

# By code: the first and the last day (ISO), and how many rows.
Brought: TypeAlias = dict[str, tuple[str, str, int]]
Status: TypeAlias = Job.Status
Reason: TypeAlias = Job.Reason


class Busy(Exception):
    """The same job is running in another process."""


class LeaseLost(Exception):
    """This process lost the lease of the job: another one failed it or took it over, so nothing more may be written."""

    reason = Reason.LOST


class Skip(Exception):
    """There is nothing to do, as expected: weekend, holiday, table not published yet."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Pause(Exception):
    """The time of one task is over; the job stays open for the continuation that `on_continue(job id)` enqueues."""

    def __init__(self, on_continue: Callable[[int], object]) -> None:
        super().__init__("continued")
        self.on_continue = on_continue


def this_process() -> str:
    """Host and pid: the owner that a lease names."""
    return f"{socket.gethostname()}:{os.getpid()}"


def scrub(text: str) -> str:
    """The text without secrets, on one line, cut to 500 characters (`MAX_ERROR`)."""
    return " ".join(without_secrets(text).split())[:MAX_ERROR]


@contextmanager
def job(
    job_type: str, source: Source | None = None, trigger: str = Job.Trigger.SCHEDULE, resume: int | None = None
) -> Iterator[Job]:
    """Keep a Job row for the work in the block. `resume` continues the paused job of that id if it is still open.

    Raises `Busy` before the block when the same job runs elsewhere. `Skip` and `Pause` end the block quietly; every
    other exception is recorded and re-raised.
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
    """Takes the lease of a paused job and returns the job; None when it is not paused any more."""
    if pk is None:
        return None
    waiting = Job.objects.filter(pk=pk, job_type=job_type, status=Status.RUNNING, worker="")
    if not waiting.update(worker=this_process(), lease_until=clock.now() + LEASE):
        return None
    return Job.objects.get(pk=pk)


def release(row: Job, on_continue: Callable[[int], object]) -> None:
    """Release the lease and enqueue the continuation, in one transaction.

    Otherwise the continuation could find the job still leased, or be lost by a crash between the two.
    """
    with transaction.atomic():
        if own_row(row).update(worker="", lease_until=clock.now() + QUEUED_LEASE, **traffic(row)):
            on_continue(row.pk)
    row.refresh_from_db()


def own_row(row: Job) -> models.QuerySet[Job]:
    """The row, as long as this process holds its lease."""
    return Job.objects.filter(pk=row.pk, status=Status.RUNNING, worker=this_process())


def traffic(row: Job) -> dict[str, Any]:
    """What the object alone holds while the job works."""
    counters = {"requests": row.requests, "retries": row.retries, "waited_seconds": row.waited_seconds}
    return counters | ({"details": row.details} if "brought" in row.details else {})


def plan(row: Job, windows: int) -> None:
    """Record how many windows are planned; those that a continued job has done already are added."""
    own_row(row).update(windows=F("windows_done") + windows)


def renew(row: Job) -> None:
    """Extend the lease; raises LeaseLost when another process failed the job or took it over."""
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
    """Add the result of one window to the row and renew the lease, in the caller's transaction."""
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
    """Record the failure in the row and in the message log. If the database cannot store it, the lease expires."""
    reason = getattr(error, "reason", Reason.STORAGE if isinstance(error, DatabaseError) else Reason.ERROR)
    if isinstance(error, KeyboardInterrupt | SystemExit):
        reason = Reason.STOPPED
    message = scrub(f"{type(error).__name__}: {error}")
    try:
        for attempt in stamina.retry_context(on=lost_connection, attempts=4, wait_initial=1, wait_max=4, timeout=None):
            with attempt:
                renew_connection()
                finish(row, Status.FAILED, reason, message)
    except (DatabaseError, Job.DoesNotExist):
        logger.exception("Job %s failed and the database could not record the failure", row.pk)
    redis_client.note_error(row.job_type, "market-data", message)


def lost_connection(error: Exception) -> bool:
    """Whether PostgreSQL closed our connection or refuses new ones: a restart takes a few seconds."""
    return isinstance(error, OperationalError | InterfaceError) and connection.vendor == "postgresql"


def renew_connection() -> None:
    """Close a connection that the server has ended, so that the next query opens a new one."""
    if connection.errors_occurred and not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def collapse(row: Job, reason: str) -> bool:
    """Merge a repeated skip of the same day into the earlier row: its count rises, its times become the newest run's.

    Returns whether it did. Two runs may end together: the rows are locked in the order of their ids, and one that was
    merged into its own predecessor meanwhile is left alone.
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
    """Fail the running jobs whose lease expired or whose process, on this machine, is gone; returns how many."""
    running = Job.objects.filter(status=Status.RUNNING, **which)
    expired = Q(lease_until__lt=clock.now()) | Q(lease_until__isnull=True)
    dead = [row.pk for row in running.exclude(worker="") if not is_alive(row.worker)]
    return end(running.filter(expired | Q(pk__in=dead)), Reason.LOST)


def stop() -> int:
    """Record the jobs of this machine's ended processes as stopped by the operator, when Charon shuts down."""
    here = Job.objects.filter(status=Status.RUNNING, worker__startswith=f"{socket.gethostname()}:")
    dead = [row.pk for row in here if not is_alive(row.worker)]
    return end(here.filter(pk__in=dead), Reason.STOPPED)


def abandon(pk: int | None) -> None:
    """End a paused job whose continuation will not run: its reason is `stopped`, not `lost`."""
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
    """Whether the process may still run. A process of another machine counts as alive until its lease expires."""
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
