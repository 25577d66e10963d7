"""Jobs of polls that run every few seconds: one row per source and hour, and one row per failure.

One row per poll would write 2,880 rows per day and source at an interval of 30 s.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from markets import clock, messages
from markets.errors import is_storage_fault
from markets.jobs import job_results, runs
from markets.messages import Message
from markets.models import Job, Source
from markets.redis import pubsub

Status, Reason = Job.Status, Job.Reason


@dataclass(slots=True)
class PollCounts:
    """The counters of one poll; the code inside `with poll(...)` fills them in."""

    rows: int = 0
    revised: int = 0
    # Which record, and why.
    refused: list[Message] = field(default_factory=list)
    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    # How many single instruments failed; the poll as a whole did not.
    errors: int = 0


@contextmanager
def poll(job_type: str, source: Source, began: datetime | None = None) -> Iterator[PollCounts]:
    """Add the counters of the block to the row of this hour; record an exception in its own row and re-raise it.

    `began` is for a poll that was worked off before the block.
    """
    count, started = PollCounts(), began or clock.now()
    try:
        yield count
    except Exception as error:
        fail(job_type, source, started, count, error)
        raise
    add(job_type, source, started, count)


def add(job_type: str, source: Source, started: datetime, count: PollCounts) -> None:
    with transaction.atomic():
        row = of_this_hour(job_type, source, started)
        details = row.details | {
            "beats": row.details.get("beats", 0) + 1,
            "errors": row.details.get("errors", 0) + count.errors,
        }
        changes = sums(count) | (noted(row, count.refused) if count.refused else {})
        Job.objects.filter(pk=row.pk).update(details=details, finished_at=clock.now(), **changes)


def noted(row: Job, refused: list[Message]) -> dict[str, object]:
    """The notes with what was refused, each once: a record that stays broken is refused at every poll of the hour."""
    new = {message: Message("note_refused", what=message) for message in refused}
    return job_results.with_notes(row, [note for note in new.values() if runs.stored(note)[0] not in row.notes])


def of_this_hour(job_type: str, source: Source, started: datetime) -> Job:
    """Returns the job of the current hour. The lock on the source makes two polls that end together both count."""
    Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    rows = Job.objects.filter(in_hour_of(started), job_type=job_type, source=source, status=Status.SUCCESS)
    return rows.order_by("-pk").first() or Job.objects.create(
        job_type=job_type, source=source, status=Status.SUCCESS, started_at=started, finished_at=started
    )


def in_hour_of(started: datetime) -> Q:
    """The rows of this hour, and none of a later one: a clock that was ahead has written those."""
    hour = started.replace(minute=0, second=0, microsecond=0)
    return Q(started_at__gte=hour, started_at__lt=hour + timedelta(hours=1))


def sums(count: PollCounts) -> dict[str, object]:
    return {
        "rows_written": F("rows_written") + count.rows,
        "revised": F("revised") + count.revised,
        "refused": F("refused") + len(count.refused),
        "requests": F("requests") + count.requests,
        "retries": F("retries") + count.retries,
        "waited_seconds": F("waited_seconds") + count.waited_seconds,
    }


def fail(job_type: str, source: Source, started: datetime, count: PollCounts, error: Exception) -> None:
    """Record a failure. A repeat within the hour raises the count of the first row instead of adding a row."""
    reason = getattr(error, "reason", Reason.STORAGE if is_storage_fault(error) else Reason.ERROR)
    text = runs.text_of(error)
    with transaction.atomic():
        Source.objects.select_for_update(no_key=True).get(pk=source.pk)
        same = Job.objects.filter(
            in_hour_of(started),
            job_type=job_type,
            source=source,
            status=Status.FAILED,
            reason=reason,
            error=text,
        )
        if earlier := same.order_by("-pk").first():
            same.filter(pk=earlier.pk).update(repeats=F("repeats") + 1, finished_at=clock.now(), **sums(count))
            return
        row = Job.objects.create(
            job_type=job_type,
            source=source,
            status=Status.FAILED,
            reason=reason,
            error=text,
            error_message=runs.stored(messages.of_error(error))[1],
            started_at=started,
            finished_at=clock.now(),
        )
        Job.objects.filter(pk=row.pk).update(**sums(count))
    pubsub.note_error(job_type, "market-data", text)
