"""One table of a run, as a task mines it: its status, and what is announced of it."""

import logging
import time

from django.conf import settings
from django.db import DatabaseError

from markets import events
from markets.errors import log_cause
from markets.jobs import job_leases, runs
from markets.models import Job, Source
from markets.store import statistics
from miner import sources
from miner.collect import backoff
from miner.collect import tables as table_collector
from miner.fetch.errors import Blocked, ProviderError
from miner.providers.base import TableSeries
from miner.slices import Slice

logger = logging.getLogger(__name__)


def run_of_task(source: Source, trigger: str) -> table_collector.Run:
    """The run of a task that begins now: a task works for so long, and its last requests may end a little later."""
    deadline = time.monotonic() + settings.TASK_WORK.total_seconds()
    return table_collector.Run(
        source=source,
        provider=sources.provider_of(source),
        trigger=trigger,
        connections=sources.connections_of(source),
        deadline=deadline,
        until=deadline + table_collector.GRACE,
        gives_way=Slice(settings.TASK_WORK.total_seconds()).is_over,
    )


def mine_one(run: table_collector.Run, series: TableSeries, resume: int | None = None) -> str:
    """One table; its status. What a provider or the database did wrong stands in the job and goes no further."""
    try:
        job = table_collector.mine_series(run, series, resume)
    except runs.Busy:
        return "busy"
    except (ProviderError, DatabaseError, job_leases.LeaseLost) as error:
        run.error = runs.scrub(str(error))
        logger.warning("%s.%s failed: %s", run.source.code, series.table, run.error, extra=log_cause(error))
        if isinstance(error, Blocked):  # every other failure is tried again within the hour
            backoff.back_off(run.source, error)
        conclude(run.job)
        return Job.Status.FAILED
    conclude(job)
    return job.status


def conclude(job: Job | None) -> None:
    """Of what an ended job has brought, also of one that failed after some windows, outsiders hear and the planner
    learns.
    """
    if job and job.rows_written and job.status in {Job.Status.SUCCESS, Job.Status.FAILED}:
        events.announce(job)
        statistics.refresh(job.rows_written)
