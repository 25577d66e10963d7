"""Queries for the jobs log: rows as plain values, and statistics by type and source."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, TypedDict

from django.db import models
from django.db.models import Avg, Count, ExpressionWrapper, F, Max, Min, OuterRef, Q, Subquery, Sum, Window
from django.db.models.functions import Coalesce, RowNumber

from markets import clock, messages
from markets.models import Job
from markets.queries.freshness import Trouble

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
# It asked for nothing since nothing is missing: an earlier failure cost no figure.
NOTHING_TO_ASK = Q(status=Job.Status.SKIPPED, reason__in=(Job.Reason.UP_TO_DATE, Job.Reason.WEEKEND))
FAILED = Q(status=Job.Status.FAILED)
# A failure that repeats within the hour is told in the row of the first one: the newest row may not be the last to end.
LAST_FIRST = (F("finished_at").desc(nulls_last=True), "-pk")
# Reasons of failed runs that say nothing about the source.
OWN_REASONS = (Job.Reason.STOPPED, Job.Reason.LOST)
FAILED_THERE = FAILED & ~Q(reason__in=OWN_REASONS)


@dataclass(frozen=True, slots=True)
class Ends:
    """How the runs of one job type ended, as far as they say something about their source.

    `settled`: the last answer, or the last run that had nothing to ask for. `trouble` is set while every run since then
    has failed; `filling` while one with many windows runs;
    one whose lease is over runs no more, also where a full disk keeps that from its row.
    """

    source: int | None
    success: datetime | None
    settled: datetime | None
    failure: datetime | None
    filling: bool
    trouble: Trouble | None = None

    @property
    def is_failing(self) -> bool:
        return self.failure is not None and (self.settled is None or self.failure >= self.settled)


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
    statuses = {job.job_type: job.status for job in newest_runs()}
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
    failed = Job.objects.filter(FAILED, source=OuterRef("source")).order_by(*LAST_FIRST)
    rows = Job.objects.filter(source__isnull=False).order_by().values_list("source_id")
    ends = rows.annotate(
        success=Max("finished_at", filter=ANSWERED),
        failure=Max("finished_at", filter=FAILED),
        error=Subquery(failed.values("error")[:1]),
    )
    return {
        source: {"last_success_at": success, "last_failure_at": failure, "last_error": error}
        for source, success, failure, error in ends
    }


def last_errors() -> dict[int, str]:
    """By source id: what its last failure said, in the language that is on."""
    failed = Job.objects.filter(FAILED, source=OuterRef("source")).order_by(*LAST_FIRST).values("pk")[:1]
    rows = Job.objects.filter(FAILED, pk=Subquery(failed)).values_list("source_id", "error", "error_message")
    return {source: messages.shown(error, message) for source, error, message in rows if source is not None}


def ends(which: Q = Q()) -> dict[str, Ends]:  # noqa: B008  a Q is never changed
    """By job type; one query, and one more while something fails. What ended in the future is left out."""
    now = clock.now()
    until = Q(finished_at__lte=now + clock.SKEW)
    rows = Job.objects.filter(which).order_by().values_list("job_type", "source_id")
    filling = Count("pk", filter=Q(status=Job.Status.RUNNING, windows__gt=1) & ~Q(lease_until__lte=now))
    times = rows.annotate(
        success=Max("finished_at", filter=ANSWERED & until),
        settled=Max("finished_at", filter=(ANSWERED | NOTHING_TO_ASK) & until),
        failure=Max("finished_at", filter=FAILED_THERE & until),
        filling=filling,
    )
    found = {name: Ends(source, good, settled, bad, bool(fills)) for name, source, good, settled, bad, fills in times}
    failing = {name: one for name, one in found.items() if one.is_failing}
    return found | {name: replace(failing[name], trouble=trouble) for name, trouble in troubles(failing).items()}


def troubles(failing: Mapping[str, Ends]) -> dict[str, Trouble]:
    """The reason of the last failure, and the begin of the first one after all was well."""
    if not failing:
        return {}
    after = [
        Q(job_type=name, started_at__gte=one.settled) if one.settled else Q(job_type=name)
        for name, one in failing.items()
    ]
    those = Job.objects.filter(FAILED_THERE, job_type=OuterRef("job_type"))
    last = Subquery(those.order_by(*LAST_FIRST).values("reason")[:1])
    failures = Job.objects.filter(FAILED_THERE, reduce(or_, after)).order_by().values_list("job_type")
    rows = failures.annotate(since=Min("started_at"), last=last)
    return {name: Trouble(reason, label_of(reason), since) for name, since, reason in rows}


def label_of(reason: str) -> str:
    return str(Job.Reason(reason).label) if reason in Job.Reason.values else reason


def newest_runs() -> models.QuerySet[Job]:
    """The run of each job type that ended, or while it runs began, last.

    Not the newest row: the good polls of an hour share one, and a failed poll between them has a newer one. What lies
    in the future was written while the clock was ahead, and counts only where there is nothing else.
    """
    at = Coalesce("finished_at", "started_at")
    past = Q(at__lte=clock.now() + clock.SKEW)
    place = Window(RowNumber(), partition_by="job_type", order_by=[F("is_past").desc(), F("at").desc(), F("pk").desc()])
    ranked = Job.objects.annotate(at=at).annotate(is_past=ExpressionWrapper(past, models.BooleanField()))
    return ranked.annotate(place=place).filter(place=1).order_by("job_type")
