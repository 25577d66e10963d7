"""The status of the batch: its timetable, its newest run or the one asked for, and the critical instruments."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import F
from django_q.models import Schedule

from markets import clock
from markets.models import Job, Listing, Source
from miner import sources
from miner.batch import queue as batch_queue
from miner.batch.result import JOB, BatchResult
from miner.collect import sync_status
from miner.fetch import rate_limit
from miner.models import SyncStatus
from miner.providers import PROVIDERS
from miner.pulse import polls

# The ids of the jobs, as the batch was first described, and their names in the timetable.
JOBS = {JOB: "priority_batch", "batch.queue": "queue_processor", "batch.secondary": "enqueue_secondary"}
# The queue's scheduler looks every half minute and moves `next_run` on: a later one means that nobody looks.
OVERDUE = timedelta(minutes=2)


def status(batch_id: str | None = None) -> dict[str, Any]:
    """The batch as a whole; `last_batch` is the newest run, or the one of that id."""
    jobs = list(timetable())
    next_run = next((job["next_run"] for job in jobs if job["name"] == JOB), None)
    is_running = next_run is not None and next_run > clock.now() - OVERDUE
    last, own = find(batch_id), own_source()
    return {
        "batch_id": batch_id or (last.details.get("batch_id") if last else None) or None,
        "status": "running" if is_running else "stopped",
        "is_running": is_running,
        "last_run": last.started_at if last else None,
        "next_run": next_run,
        "last_batch": {"status": last.status} | result_of(last) if last else None,
        "priority_assets": priority_assets(),
        "asset_states": asset_states(),
        "queue_size": batch_queue.size(),
        "api_calls_remaining": rate_limit.state(own, sources.allowance_of(own)).remaining if own else None,
        "jobs": jobs,
    }


def timetable() -> Iterator[dict[str, Any]]:
    """The three jobs of the batch; a fast queue is pulse's and stands in no schedule."""
    found = dict(Schedule.objects.filter(name__in=JOBS).values_list("name", "next_run"))
    queue = polls.queue_poll()
    if not queue.is_scheduled:
        found[queue.name] = queue.next(clock.now())
    for name, job_id in JOBS.items():
        if name in found:
            yield {"id": job_id, "name": name, "next_run": found[name]}


def find(batch_id: str | None = None) -> Job | None:
    rows = Job.objects.filter(job_type=JOB)
    if batch_id:
        rows = rows.filter(details__batch_id=batch_id)
    return rows.order_by("-started_at", "-pk").first()


def own_source() -> Source | None:
    """The source that the batch was made for: the low-quota one, if it is on."""
    low_quota = [code for code, provider in PROVIDERS.items() if provider.rotating]
    return Source.objects.filter(code__in=low_quota, enabled=True).order_by("code").first()


def result_of(job: Job) -> dict[str, Any]:
    """All fields of a BatchResult, read from its job."""
    details = {name: job.details.get(name) for name in BatchResult.__dataclass_fields__}
    seconds = job.duration_seconds
    return details | {
        "priority_failed": failed(job.details),
        "job_id": job.pk,
        "started_at": job.started_at,
        "completed_at": job.finished_at,
        "duration_ms": None if seconds is None else round(seconds * 1000),
    }


def failed(details: dict[str, Any]) -> list[dict[str, str]]:
    """Rows of release 0.1.0 have the symbols alone; the reasons stand in their errors."""
    said = {row["symbol"]: row["error"] for row in details.get("errors") or ()}
    rows = details.get("priority_failed") or ()
    return [row if isinstance(row, dict) else {"symbol": row, "error": said.get(row, "")} for row in rows]


def priority_assets() -> list[str]:
    """The names of the critical instruments."""
    rows = Listing.objects.filter(priority=Listing.Priority.CRITICAL, tracked=True)
    return list(rows.order_by("instrument__code").values_list("instrument__code", flat=True).distinct())


def asset_states() -> list[dict[str, Any]]:
    rows = SyncStatus.objects.filter(listing__priority=Listing.Priority.CRITICAL, listing__tracked=True).annotate(
        symbol=F("listing__instrument__code"),
        source=F("listing__source__code"),
        interval=F("listing__source__polling_interval"),
    )
    return [
        {
            "symbol": row.symbol,
            "source": row.source,
            "status": sync_status.state_of(row, row.interval),
            "reason": row.reason or None,
            "last_success_at": row.last_success_at,
        }
        for row in rows.order_by("symbol", "source")
    ]
