"""The priority batch: how it is doing, and a run by hand."""

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django_q.tasks import async_task
from ninja import Query, Router

from markets.access import RUN_BATCH
from markets.api.export_query import Export
from markets.api.operator import Operator
from markets.api.responses import Pending, fresh, page, private, reply
from markets.api.schemas import COMMON_ERRORS, Envelope
from markets.errors import QuestionError
from markets.jobs import job_leases
from markets.models import Job, Source
from miner import sources
from miner.batch import queue as batch_queue
from miner.batch import status as batch_status
from miner.batch.result import JOB, new_id
from miner.batch.schemas import BatchQuery, BatchRun, BatchStatus, QueueStats, RateLimitPage
from miner.fetch import rate_limit as call_budget
from miner.providers import PROVIDERS
from miner.pulse import grid

router = Router(tags=["batch"])

BY_HAND = "batch.by_hand"


class AlreadyRuns(QuestionError):
    """A run by hand while a batch is under way."""

    status = 409
    code = "already_running"


class BatchFailed(QuestionError):
    status = 500
    code = "batch_failed"


@router.get(
    "/batch/status", response={200: BatchStatus, **COMMON_ERRORS}, operation_id="batch_status", summary="The batch"
)
def status(request: HttpRequest, query: Query[BatchQuery]) -> HttpResponse:
    """Whether the timetable of the batch is served, its newest run, its critical instruments, the queue and the budget.

    With `batch_id` the run of that id stands in `last_batch`; null while it waits, and for an id that nobody was given.
    """
    return fresh(request, batch_status.status(query.batch_id))


@router.post(
    "/batch/run",
    response={200: BatchRun, 202: BatchRun, 408: Envelope, 409: Envelope, **COMMON_ERRORS},
    auth=Operator(*RUN_BATCH),
    operation_id="batch_run",
    summary="Run the batch",
)
def run(request: HttpRequest) -> HttpResponse:
    """Run the batch now. 200 with its result once it has ended within ten seconds, else 202 and where to look.

    Only a server that can wait without a thread waits; any other one answers 202 at once. `Location` is
    `/batch/status` with the id of the run. 409 while a batch is running or waits to be run; one that another was
    faster than is `skipped`. 500 when the batch failed.
    """
    number = asked()
    return private(ended(number) or waiting(request, number))


def waiting(request: HttpRequest, number: str) -> HttpResponse:
    where = f"/api/v1/batch/status?batch_id={number}"
    content = ran(number, None, None, f"The batch has been asked for; {where} tells how it goes")
    return Pending(request, content, where, lambda: ended(number))


def ended(number: str) -> HttpResponse | None:
    """The answer about the batch of that id; None as long as it waits or runs."""
    job = batch_status.find(number)
    if job is None or job.status == Job.Status.RUNNING:
        return None
    if job.status == Job.Status.SKIPPED:
        raise already_runs()
    if job.status != Job.Status.SUCCESS:
        raise BatchFailed(f"Batch execution failed: {job.get_reason_display()}", {"batch_id": number, "job_id": job.pk})
    result = batch_status.result_of(job)
    updated, failed = result["priority_updated"], result["priority_failed"]
    short = {
        "duration_ms": result["duration_ms"],
        "updated": updated,
        "failed": failed,
        "api_calls_used": result["api_calls_used"],
    }
    return private(reply(ran(number, not failed, short, f"{len(updated)} updated, {len(failed)} failed")))


def ran(number: str, success: bool | None, result: dict[str, Any] | None, message: str) -> dict[str, Any]:
    return {"success": success, "batch_id": number, "result": result, "message": message}


def asked() -> str:
    """The id of a batch that was put into the queue; of two who ask at once the second is refused."""
    job_leases.reap(job_type=JOB)
    with transaction.atomic():
        batch_queue.locked_counters()
        running = Job.objects.filter(job_type=JOB, status=Job.Status.RUNNING).exists()
        if running or BY_HAND in grid.open_groups():
            raise already_runs()
        number, func = new_id(), "miner.tasks.priority_batch"
        async_task(func, number, Job.Trigger.OPERATOR, cluster=settings.MINER_QUEUE, group=BY_HAND)
    return number


def already_runs() -> AlreadyRuns:
    return AlreadyRuns("A batch is running already; see /batch/status", {"see": "/api/v1/batch/status"})


@router.get(
    "/batch/queue/stats", response={200: QueueStats, **COMMON_ERRORS}, operation_id="queue_stats", summary="The queue"
)
def queue_stats(request: HttpRequest) -> HttpResponse:
    """How full the priority queue is, and what has gone through it."""
    return fresh(request, asdict(batch_queue.stats()))


@router.get(
    "/batch/rate-limit", response={200: RateLimitPage, **COMMON_ERRORS}, operation_id="rate_limit", summary="Budgets"
)
def rate_limit(request: HttpRequest, file: Query[Export]) -> HttpResponse:
    """How many calls, or how much weight, each source still allows in its running window.

    The fields beside `items` are those of the batch's own source, which allows the fewest calls (Polygon); all are 0
    where no such source is installed.
    """
    allowed = {row: sources.allowance_of(row) for row in Source.objects.filter(code__in=PROVIDERS).order_by("code")}
    budgets = {row: call_budget.state(row, allowance) for row, allowance in allowed.items() if allowance.calls}
    items: list[dict[str, Any]] = [{"source": row.code, **asdict(budget)} for row, budget in budgets.items()]
    own = next((budget for row, budget in budgets.items() if PROVIDERS[row.code].rotating), call_budget.NONE)
    return fresh(request, asdict(own) | page(items, len(items)))
