"""The life of a Job row: started before the work, leased while it runs, ended whatever happens.

An exception names its reason in an attribute `reason` (one of `Job.Reason`); one without is recorded as `error`.
The next start of a job type fails the running jobs of that type whose lease expired or whose process is gone.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import stamina
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django_q.exceptions import TimeoutException

from markets import clock, events, messages
from markets.errors import is_storage_fault
from markets.jobs import job_leases
from markets.jobs.redact import without_secrets
from markets.messages import Message
from markets.models import Job, Source
from markets.redis import live_events, pubsub

logger = logging.getLogger(__name__)

MAX_ERROR = 500

Status: TypeAlias = Job.Status
Reason: TypeAlias = Job.Reason


class Busy(Exception):
    """The same job is running in another process."""


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


def scrub(text: str) -> str:
    """The text without secrets, on one line, cut to 500 characters (`MAX_ERROR`)."""
    return " ".join(without_secrets(text).split())[:MAX_ERROR]


def scrubbed(message: Message) -> Message:
    """The same message without secrets; where only the sentence as a whole shows one, its scrubbed text is kept."""
    clean = messages.changed(message, scrub)
    text = scrub(clean)
    return clean if text == " ".join(clean.split())[:MAX_ERROR] else Message("words", words=text)


def stored(message: Message) -> tuple[str, messages.Stored]:
    """The text and the message as columns take them, both without secrets."""
    clean = scrubbed(message)
    return scrub(clean), messages.encoded(clean)


@contextmanager
def job(
    job_type: str, source: Source | None = None, trigger: str = Job.Trigger.SCHEDULE, resume: int | None = None
) -> Iterator[Job]:
    """Keep a Job row for the work in the block. `resume` continues the paused job of that id if it is still open.

    Raises `Busy` before the block when the same job runs elsewhere. `Skip` and `Pause` end the block quietly; every
    other exception is recorded and re-raised.
    """
    row = job_leases.take_up(resume, job_type) or start(job_type, source, trigger)
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
    job_leases.reap(job_type=job_type)
    now = clock.now()
    try:
        with transaction.atomic():
            return Job.objects.create(
                job_type=job_type,
                source=source,
                trigger=trigger,
                started_at=now,
                worker=job_leases.this_process(),
                lease_until=now + job_leases.LEASE,
            )
    except IntegrityError:
        raise Busy(job_type) from None


def release(row: Job, on_continue: Callable[[int], object]) -> None:
    """Release the lease and enqueue the continuation, in one transaction.

    Otherwise the continuation could find the job still leased, or be lost by a crash between the two.
    """
    with transaction.atomic():
        if job_leases.own_row(row).update(worker="", lease_until=clock.now() + job_leases.QUEUED_LEASE, **traffic(row)):
            on_continue(row.pk)
    row.refresh_from_db()


def traffic(row: Job) -> dict[str, Any]:
    """What the object alone holds while the job works."""
    counters = {"requests": row.requests, "retries": row.retries, "waited_seconds": row.waited_seconds}
    return counters | ({"details": row.details} if row.details else {})


def finish(row: Job, status: Status, reason: str = "", error: str = "", message: Message | None = None) -> None:
    """`error` is what the API says of a failure: the class of the exception and what it said."""
    stored_message = stored(message)[1] if message else None
    ended = {"status": status, "reason": reason, "error": error, "error_message": stored_message}
    changed = job_leases.own_row(row).update(**ended, finished_at=clock.now(), lease_until=None, **traffic(row))
    if not (changed and status == Status.SKIPPED and collapse(row, reason)):
        row.refresh_from_db()
    events.ended.send(sender=Job, job=row)
    live_events.job_ended(row)


def fail(row: Job, error: BaseException) -> None:
    """Record the failure in the row and in the message log. If the database cannot store it, the lease expires."""
    reason, text = reason_of(error), text_of(error)
    try:
        for attempt in stamina.retry_context(on=lost_connection, attempts=4, wait_initial=1, wait_max=4, timeout=None):
            with attempt:
                renew_connection()
                finish(row, Status.FAILED, reason, text, messages.of_error(error))
    except (DatabaseError, Job.DoesNotExist):
        logger.exception("Job %s failed and the database could not record the failure", row.pk)
    pubsub.note_error(row.job_type, "market-data", text)


def text_of(error: BaseException) -> str:
    """`Unreachable: GET /rates: no answer in time`, without secrets."""
    return scrub(f"{type(error).__name__}: {error}")


def reason_of(error: BaseException) -> str:
    """The time limit of the queue is a SystemExit too, raised in the middle of the task: Charon was not stopped."""
    if isinstance(error, TimeoutException):
        return Reason.TIMED_OUT
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return Reason.STOPPED
    return str(getattr(error, "reason", Reason.STORAGE if is_storage_fault(error) else Reason.ERROR))


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
