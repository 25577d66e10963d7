"""The status of the batch: its newest run, and the state of each critical instrument."""

from typing import Any

from django.db.models import F

from markets.models import Job, Listing
from miner.batch import queue as batch_queue
from miner.batch.result import JOB, BatchResult
from miner.collect import sync_status
from miner.models import SyncStatus


def status() -> dict[str, Any]:
    """The newest batch, and the state of each critical instrument."""
    last = Job.objects.filter(job_type=JOB).order_by("-started_at", "-pk").first()
    return {
        "batch_id": (last.details.get("batch_id") if last else None) or None,
        "status": last.status if last else "pending",
        "last_run": last.started_at if last else None,
        "result": result_of(last) if last else None,
        "queue_size": batch_queue.size(),
        "priority_assets": priority_assets(),
    }


def result_of(job: Job) -> dict[str, Any]:
    """All fields of a BatchResult, read from its job."""
    details = {name: job.details.get(name) for name in BatchResult.__dataclass_fields__}
    seconds = job.duration_seconds
    return details | {
        "job_id": job.pk,
        "started_at": job.started_at,
        "completed_at": job.finished_at,
        "duration_ms": None if seconds is None else round(seconds * 1000),
    }


def priority_assets() -> list[dict[str, Any]]:
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
