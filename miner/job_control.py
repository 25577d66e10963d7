"""What an operator may do with a job: have a failed one tried again, end one that runs or waits.

A job whose row is ended belongs to nobody: its worker finds that out when it next renews the lease (once a window, at
most two minutes) and writes nothing more. A continuation that waits in the queue would begin anew: it is taken off.
"""

from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from markets import clock, events
from markets.models import Job, Source
from miner import sources
from miner.providers import PROVIDERS

# What is done for all sources together, by its job type.
TASKS = {
    "batch.priority": "miner.tasks.priority_batch",
    "batch.secondary": "miner.tasks.enqueue_secondary",
    "batch.queue": "miner.tasks.work_queue",
    "retention": "miner.tasks.prune",
}

Task = tuple[str, tuple[object, ...], dict[str, object]]


def task_of(job: Job) -> Task | None:
    """The task that does again what the job did; None where only a range of days says it, or nobody knows."""
    if job.job_type in TASKS:
        return TASKS[job.job_type], (), {}
    code, _dot, rest = job.job_type.partition(".")
    if job.source is None or code != job.source.code or code not in PROVIDERS:
        return None
    kind, _dot, part = rest.partition(".")
    if kind == "quotes":
        return "miner.tasks.quotes", (code,), {}
    if kind == "candles" and part:
        return "miner.tasks.candles", (code, part), {}
    if kind in {"check", "listing"}:
        return {"check": "miner.backfill.check", "listing": "miner.tasks.refresh_listing"}[kind], (code,), {}
    tables = {series.table for series in PROVIDERS[code].series}
    return ("miner.tasks.mine", (code, [rest]), {"trigger": Job.Trigger.OPERATOR}) if rest in tables else None


def retry(job: Job) -> bool:
    """Enqueue it again; False while one of its kind waits or runs already. Raises ValueError where there is no task."""
    task = task_of(job)
    if task is None:
        raise ValueError(job.job_type)
    func, args, more = task
    with transaction.atomic():
        if job.source_id:
            Source.objects.select_for_update(no_key=True).get(pk=job.source_id)
        if Job.objects.filter(job_type=job.job_type, status=Job.Status.RUNNING).exists() or waits(func, args):
            return False
        async_task(func, *args, cluster=settings.MINER_QUEUE, group=job.job_type, **more)
    return True


def waits(func: str, args: tuple[object, ...]) -> bool:
    return any(task.get("func") == func and task.get("args") == args for _row, task in queued())


def can_be_asked(job: Job) -> bool:
    """Whether its source may be asked at this moment; what has no source always may."""
    return job.source is None or sources.available(job.source.code) is not None


def cancel(job: Job, who: str) -> bool:
    """End a job that runs or waits, as stopped; False when it has ended meanwhile."""
    with transaction.atomic():
        ended = Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING).update(
            status=Job.Status.FAILED,
            reason=Job.Reason.STOPPED,
            error=f"cancelled by {who}",
            finished_at=clock.now(),
            lease_until=None,
        )
        if ended:
            OrmQ.objects.filter(pk__in=[row for row, task in queued() if continues(task, job.pk)]).delete()
            events.ended.send(sender=Job, job=None)
    return bool(ended)


def continues(task: dict[str, object], job: int) -> bool:
    """Whether the task is the continuation of the job (`resume` of tables, `job` of a back-fill)."""
    more = task.get("kwargs")
    return isinstance(more, dict) and job in {more.get("resume"), more.get("job")}


def queued() -> Iterator[tuple[int, dict[str, object]]]:
    """(row, task) of the miner's queue; a row that cannot be read here is left out."""
    for row in OrmQ.objects.filter(key=settings.MINER_QUEUE):
        try:
            yield row.pk, SignedPackage.loads(row.payload)
        except Exception:  # noqa: S112  another key, rubbish: the broker closes it
            continue
