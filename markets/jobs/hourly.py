"""Work that comes every few seconds: one Job a source and hour with counters, and a row of its own for what failed.

A row a beat would be 2,880 rows a day and source that say nothing; one an hour says how many there were.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from markets import clock
from markets.jobs import runs
from markets.models import Job, Source
from markets.redis import client as redis_client

Status, Reason = Job.Status, Job.Reason


@dataclass(slots=True)
class PollCounts:
    """What one beat brought; the code inside the beat fills it in."""

    rows: int = 0
    revised: int = 0
    refused: int = 0
    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    # What went wrong for single instruments, in words; the beat as a whole did not fail.
    errors: int = 0


@contextmanager
def poll(job_type: str, source: Source) -> Iterator[PollCounts]:
    """Count the work of the block into the row of this hour; an exception gets a row of its own, and goes on."""
    count, started = PollCounts(), clock.now()
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
        Job.objects.filter(pk=row.pk).update(details=details, finished_at=clock.now(), **sums(count))


def of_this_hour(job_type: str, source: Source, started: datetime) -> Job:
    """Locked, so that two beats that end at once are both counted."""
    Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    hour = started.replace(minute=0, second=0, microsecond=0)
    rows = Job.objects.filter(job_type=job_type, source=source, status=Status.SUCCESS, started_at__gte=hour)
    return rows.order_by("-pk").first() or Job.objects.create(
        job_type=job_type, source=source, status=Status.SUCCESS, started_at=started, finished_at=started
    )


def sums(count: PollCounts) -> dict[str, object]:
    return {
        "rows_written": F("rows_written") + count.rows,
        "revised": F("revised") + count.revised,
        "refused": F("refused") + count.refused,
        "requests": F("requests") + count.requests,
        "retries": F("retries") + count.retries,
        "waited_seconds": F("waited_seconds") + count.waited_seconds,
    }


def fail(job_type: str, source: Source, started: datetime, count: PollCounts, error: Exception) -> None:
    """The same failure again within the hour is counted on the row that told of it first."""
    reason = getattr(error, "reason", Reason.ERROR)
    words = runs.scrub(f"{type(error).__name__}: {error}")
    hour = started.replace(minute=0, second=0, microsecond=0)
    with transaction.atomic():
        Source.objects.select_for_update(no_key=True).get(pk=source.pk)
        same = Job.objects.filter(
            job_type=job_type, source=source, status=Status.FAILED, reason=reason, error=words, started_at__gte=hour
        )
        if told := same.order_by("-pk").first():
            same.filter(pk=told.pk).update(repeats=F("repeats") + 1, finished_at=clock.now(), **sums(count))
            return
        row = Job.objects.create(
            job_type=job_type,
            source=source,
            status=Status.FAILED,
            reason=reason,
            error=words,
            started_at=started,
            finished_at=clock.now(),
        )
        Job.objects.filter(pk=row.pk).update(**sums(count))
    redis_client.note_error(job_type, "market-data", words)
