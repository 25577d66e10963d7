"""Queries for the jobs log: rows as plain values, and statistics by type and source."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db import models
from django.db.models import Avg, Count, F, Max, Q, Sum

from markets.models import Job

COLUMNS = (
    "id",
    "job_type",
    "status",
    "trigger",
    "reason",
    "started_at",
    "finished_at",
    "rows_written",
    "revised",
    "refused",
    "requests",
    "retries",
    "waited_seconds",
    "windows",
    "windows_done",
    "reached",
    "repeats",
    "notes",
    "error",
)

# A skip that sent a request was answered by the source too; one without a request says nothing about the source.
ANSWERED = Q(status=Job.Status.SUCCESS) | Q(status=Job.Status.SKIPPED, requests__gt=0)
FAILED = Q(status=Job.Status.FAILED)


class Stats(TypedDict):
    count: int
    mean_duration_seconds: float | None
    rows_written: int
    counts: dict[str, int]
    types: list[dict[str, Any]]


def job_rows(jobs: models.QuerySet[Job]) -> Iterator[dict[str, Any]]:
    for row in jobs.values(*COLUMNS, code=F("source__code")):
        row["source"] = row.pop("code")
        row["duration_seconds"] = seconds(row["started_at"], row["finished_at"])
        yield row


def seconds(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - start).total_seconds()


def stats() -> Stats:
    """Statistics over all stored jobs, in three queries."""
    done = Q(status=Job.Status.SUCCESS, finished_at__isnull=False)
    counts = {status.value: Count("pk", filter=Q(status=status)) for status in Job.Status}
    mean = Avg(F("finished_at") - F("started_at"), filter=done, output_field=models.DurationField())
    totals: dict[str, Any] = Job.objects.aggregate(total=Count("pk"), mean=mean, rows=Sum("rows_written"), **counts)
    return {
        "count": totals["total"],
        "mean_duration_seconds": rounded(totals["mean"]),
        "rows_written": totals["rows"] or 0,
        "counts": {name: totals[name] for name in counts},
        "types": list(type_rows()),
    }


def rounded(duration: timedelta | None) -> float | None:
    return None if duration is None else round(duration.total_seconds(), 3)


def type_rows() -> Iterator[dict[str, Any]]:
    """Each type of job with its last success and its last run."""
    newest = Job.objects.order_by().values("job_type").annotate(last=Max("pk"))
    statuses = dict(Job.objects.filter(pk__in=newest.values("last")).values_list("job_type", "status"))
    times = (
        Job.objects.order_by("job_type")
        .values_list("job_type")
        .annotate(success=Max("finished_at", filter=Q(status=Job.Status.SUCCESS)), started=Max("started_at"))
    )
    for job_type, success, started in times:
        yield {
            "job_type": job_type,
            "last_success_at": success,
            "last_run_at": started,
            "last_status": statuses[job_type],
        }


def last_ends() -> dict[int, dict[str, Any]]:
    """By source id: the times of the last success and of the last failure, and the error of the latter."""
    failed = Job.objects.filter(FAILED, source__isnull=False)
    newest = failed.order_by().values("source").annotate(last=Max("pk")).values("last")
    errors = dict(failed.filter(pk__in=newest).values_list("source_id", "error"))
    times = (
        Job.objects.filter(source__isnull=False)
        .order_by()
        .values_list("source_id")
        .annotate(success=Max("finished_at", filter=ANSWERED), failure=Max("finished_at", filter=FAILED))
    )
    return {
        source: {"last_success_at": success, "last_failure_at": failure, "last_error": errors.get(source)}
        for source, success, failure in times
    }
