"""The priority batch: how it is doing, and a run by hand."""

import time
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django_q.models import Schedule
from django_q.tasks import async_task
from ninja import Router

from markets.access import operator
from markets.api.responses import fresh, page, private, reply
from markets.api.schemas import COMMON_ERRORS, Envelope
from markets.errors import QuestionError
from markets.jobs import job_leases
from markets.models import Job, Source
from miner import sources
from miner.batch import queue as batch_queue
from miner.batch import status as batch_status
from miner.batch.result import JOB, new_id
from miner.batch.schemas import BatchRun, BatchStatus, QueueStats, RateLimitPage
from miner.fetch import rate_limit as call_budget
from miner.providers import PROVIDERS
from miner.pulse import polls

router = Router(tags=["batch"])

# How long an operator waits for the result of a run before being told where to look.
WAIT_SECONDS = 10.0
LOOK_SECONDS = 0.2
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
def status(request: HttpRequest) -> HttpResponse:
    """The newest priority batch, the next one, the state of every critical instrument, the queue and the budget."""
    rows = Schedule.objects.filter(name__startswith="batch.").order_by("name")
    tasks = [{"id": row.name, "name": row.func, "next_run": row.next_run} for row in rows]
    next_run = next((task["next_run"] for task in tasks if task["id"] == JOB), None)
    own = Source.objects.filter(code__in=PROVIDERS, rotating=True, enabled=True).order_by("code").first()
    remaining = call_budget.state(own, sources.allowance_of(own)).remaining if own else None
    state = {"next_run": next_run, "api_calls_remaining": remaining, "jobs": tasks}
    return fresh(request, batch_status.status() | state)


@router.post(
    "/batch/run",
    response={200: BatchRun, 202: BatchRun, 401: Envelope, 403: Envelope, 409: Envelope, **COMMON_ERRORS},
    auth=operator,
    operation_id="batch_run",
    summary="Run the batch",
)
def run(request: HttpRequest) -> HttpResponse:
    """Run the batch now. 200 with its result within ten seconds, else 202 and the id to look for in /batch/status.

    409 while a batch is running or waits to be run; one that another was faster than is `skipped`.
    """
    number = asked()
    job = ended(number)
    if job is None:
        message = "The batch has been asked for; /api/v1/batch/status tells how it goes"
        response = private(reply(ran(number, None, None, message), 202))
        response.headers["Location"] = "/api/v1/batch/status"
        return response
    if job.status == Job.Status.SKIPPED:
        raise already_runs()
    if job.status != Job.Status.SUCCESS:
        raise BatchFailed(f"Batch execution failed: {job.get_reason_display()}", {"batch_id": number, "job_id": job.pk})
    result = batch_status.result_of(job)
    words = f"{len(result['priority_updated'])} updated, {len(result['priority_failed'])} failed"
    return private(reply(ran(number, not result["priority_failed"], result, words)))


def ran(number: str, success: bool | None, result: dict[str, Any] | None, message: str) -> dict[str, Any]:
    return {"success": success, "batch_id": number, "result": result, "message": message}


def asked() -> str:
    """The id of a batch that was put into the queue; of two who ask at once the second is refused."""
    job_leases.reap(job_type=JOB)
    with transaction.atomic():
        batch_queue.locked_counters()
        running = Job.objects.filter(job_type=JOB, status=Job.Status.RUNNING).exists()
        if running or BY_HAND in polls.open_groups():
            raise already_runs()
        number, func = new_id(), "miner.tasks.priority_batch"
        async_task(func, number, Job.Trigger.OPERATOR, cluster=settings.MINER_QUEUE, group=BY_HAND)
    return number


def already_runs() -> AlreadyRuns:
    return AlreadyRuns("A batch is running already; see /batch/status", {"see": "/api/v1/batch/status"})


def ended(number: str) -> Job | None:
    """The job of that batch when it has ended in time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        rows = Job.objects.filter(job_type=JOB, details__batch_id=number)
        job = rows.exclude(status=Job.Status.RUNNING).order_by("-pk").first()
        if job:
            return job
        time.sleep(LOOK_SECONDS)
    return None


@router.get(
    "/batch/queue/stats", response={200: QueueStats, **COMMON_ERRORS}, operation_id="queue_stats", summary="The queue"
)
def queue_stats(request: HttpRequest) -> HttpResponse:
    """How full the priority queue is, and what has gone through it."""
    return fresh(request, asdict(batch_queue.stats()))


@router.get(
    "/batch/rate-limit", response={200: RateLimitPage, **COMMON_ERRORS}, operation_id="rate_limit", summary="Budgets"
)
def rate_limit(request: HttpRequest) -> HttpResponse:
    """How many calls, or how much weight, each source still allows in its running window."""
    items: list[dict[str, Any]] = [
        {"source": row.code, **asdict(call_budget.state(row, sources.allowance_of(row)))}
        for row in Source.objects.filter(code__in=PROVIDERS).order_by("code")
        if sources.allowance_of(row).calls
    ]
    return fresh(request, page(items, len(items)))
