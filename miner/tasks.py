"""The tasks that the queue runs. A dotted name here stands in schedules: keep the names."""

import ast
import logging
import time
from dataclasses import asdict

from django.conf import settings
from django.db import DatabaseError
from django_q.models import Schedule
from django_q.tasks import async_task

from markets import clock, events
from markets.jobs import hourly, runs
from markets.models import Job, Publication, Source
from markets.redis import market_keys
from markets.store import retention
from miner import sources
from miner.batch import rotation
from miner.batch import run as batch_run
from miner.collect import backoff, listing
from miner.collect import candles as candle_cycle
from miner.collect import prices as quote_refresh
from miner.collect import tables as table_collector
from miner.fetch import rate_limit
from miner.fetch.errors import Blocked, ProviderError
from miner.providers import PROVIDERS
from miner.providers.base import CandleSource, TableSeries
from miner.pulse import results

logger = logging.getLogger(__name__)


def start() -> None:
    """What a start of Charon begins with: every source looks for what it lacks, archives first.

    The polls of the timetable follow at once: its scheduler looks only half a minute after the start.
    """
    for source in sources.runnable():
        if PROVIDERS[source.code].series:
            enqueue(source.code, trigger=Job.Trigger.START)
    for func in ("miner.tasks.priority_batch", "miner.tasks.enqueue_secondary"):
        async_task(func, cluster=settings.MINER_QUEUE, group="batch")
    entries = Schedule.objects.filter(cluster=settings.MINER_QUEUE, intended_date_kwarg=results.PLANNED)
    planned = {results.PLANNED: clock.now().isoformat()}
    for name, func, args in entries.order_by("name").values_list("name", "func", "args"):
        async_task(func, *ast.literal_eval(args or "()"), cluster=settings.MINER_QUEUE, group=name, **planned)
    refresh_listings()


def enqueue(source: str, **arguments: object) -> None:
    async_task("miner.tasks.mine", source, cluster=settings.MINER_QUEUE, group=source, **arguments)


def mine(
    source: str, tables: list[str] | None = None, trigger: str = Job.Trigger.SCHEDULE, resume: int | None = None
) -> str:
    """Mine a source (all its tables, or those named) for at most 40 s, then enqueue the continuation.

    A failure ends the run: the tables after it are not tried, the next run comes within the hour.
    """
    row = next((row for row in sources.runnable() if row.code == source), None)
    if row is None:
        runs.abandon(resume)
        return f"{source} is switched off, paused or unknown"
    provider = sources.provider_of(row)
    wanted = [series for series in provider.series if tables is None or series.table in tables]

    def rest(table: str) -> list[str]:
        names = [series.table for series in wanted]
        return names[names.index(table) :]

    run = table_collector.Run(
        source=row,
        provider=provider,
        trigger=trigger,
        connections=sources.connections_of(row),
        deadline=time.monotonic() + settings.TASK_WORK.total_seconds(),
        until=time.monotonic() + settings.TASK_WORK.total_seconds() + table_collector.GRACE,
        on_continue=lambda table, job: enqueue(source, tables=rest(table), trigger=trigger, resume=job),
    )
    for series in wanted:
        if time.monotonic() > run.deadline:
            enqueue(source, tables=rest(series.table), trigger=trigger)
            return "continued"
        status = mine_one(run, series, resume if series is wanted[0] else None)
        if status in {Job.Status.RUNNING, Job.Status.FAILED}:
            return status
    return "done"


def mine_one(run: table_collector.Run, series: TableSeries, resume: int | None = None) -> str:
    """One table; its status. What a provider or the database did wrong stands in the job and goes no further."""
    try:
        job = table_collector.mine_series(run, series, resume)
    except runs.Busy:
        return "busy"
    except (ProviderError, DatabaseError, runs.LeaseLost) as error:
        run.error = runs.scrub(str(error))
        logger.warning("%s.%s failed: %s", run.source.code, series.table, run.error)
        if isinstance(error, Blocked):  # every other failure is tried again within the hour
            backoff.back_off(run.source, error)
        announce_job(run.job)
        return Job.Status.FAILED
    announce_job(job)
    return job.status


def announce_job(job: Job | None) -> None:
    """Outsiders hear of what an ended job has brought, also of one that failed after some windows."""
    if job and job.rows_written and job.status in {Job.Status.SUCCESS, Job.Status.FAILED}:
        events.announce(job)


def poll(source: str, table: str) -> str:
    """In the hours of publication: mine until the day's table is in, then nothing."""
    if Publication.objects.filter(source__code=source, table=table, effective_date=clock.today()).exists():
        return "in"
    return mine(source, [table], Job.Trigger.WINDOW)


@results.once("{}.quotes")
def quotes(source: str) -> str:
    """One beat: what everything that is followed at this source costs now."""
    row, name = available(source), f"{source}.quotes"
    if row is None:
        return "off"
    listings = quote_refresh.due(row)
    try:
        with hourly.poll(name, row) as count:
            result = quote_refresh.refresh(row, listings)
            quote_refresh.count_result(result, count)
            if result.error is not None:
                raise result.error
    except ProviderError as error:
        return record_failure(name, error)
    except Exception as error:
        results.done(name, str(error))
        raise
    if isinstance(sources.provider_of(row), CandleSource):
        market_keys.keep_prices(result.prices)
    results.done(name)
    return f"{len(result.updated)} of {len(listings)}"


@results.once("{}.candles.{}")
def candles(source: str, timeframe: str) -> str:
    """One beat: the candles of a timeframe, of everything that is followed at this source."""
    row, name = available(source), f"{source}.candles.{timeframe}"
    if row is None:
        return "off"
    try:
        with hourly.poll(name, row) as count:
            cycle = candle_cycle.refresh(row, timeframe)
            count.rows, count.revised, count.refused = cycle.written, cycle.revised, len(cycle.refused)
            count.requests, count.retries, count.waited_seconds = cycle.requests, cycle.retries, cycle.waited_seconds
            count.errors = len(cycle.failed)
    except ProviderError as error:
        return record_failure(name, error)
    except Exception as error:
        results.done(name, str(error))
        raise
    results.done(name)
    return f"{cycle.bars} candles"


def record_failure(name: str, error: ProviderError) -> str:
    """It stands in the journal and at pulse; the log has a line, for whose fault it is needs no traceback."""
    words = runs.scrub(str(error))
    results.done(name, words)
    logger.warning("%s failed: %s", name, words)
    return Job.Status.FAILED


def available(source: str) -> Source | None:
    """The source, when it may be asked at this moment."""
    row = next((row for row in sources.runnable() if row.code == source), None)
    return None if row is None or rate_limit.is_cooling_down(row) else row


@results.once("batch.queue")
def work_queue() -> str:
    """One beat: the next items of the priority queue."""
    result = rotation.process_queue()
    results.done("batch.queue")
    return f"{result.queue_processed} served, {result.queue_remaining} wait"


def priority_batch(batch_id: str = "", trigger: str = Job.Trigger.SCHEDULE) -> dict[str, object] | None:
    result = batch_run.run(batch_id, trigger)
    return None if result is None else asdict(result)


def enqueue_secondary() -> int:
    return rotation.enqueue_secondary()


def refresh_listings() -> int:
    """Once a day and at each start: a task for each source that was not asked lately what it lists."""
    due = listing.due()
    for source in due:
        group = f"{source.code}.listing"
        async_task("miner.tasks.refresh_listing", source.code, cluster=settings.MINER_QUEUE, group=group)
    return len(due)


def refresh_listing(source: str) -> str:
    """What this source lists, when it may be asked; its job has the rest."""
    row = available(source)
    if row is None:
        return "off"
    try:
        return str(listing.refresh(row).status)
    except runs.Busy:
        return "busy"
    except (ProviderError, DatabaseError, runs.LeaseLost) as error:
        logger.warning("%s does not say what it lists: %s", source, runs.scrub(str(error)))
        return Job.Status.FAILED


def prune() -> str:
    """Old prices, candles and jobs make room; what the time of one task did not suffice for follows in the next."""
    with runs.job("retention") as job:
        gone = retention.prune(settings.RETENTION_DAYS)
        Job.objects.filter(pk=job.pk).update(details=asdict(gone))
    if not gone.finished:
        async_task("miner.tasks.prune", cluster=settings.MINER_QUEUE, group="retention")
    return f"{gone.ticks} ticks, {gone.candles} candles, {gone.jobs} jobs"


def reap() -> str:
    """End every job whose lease ran out or whose process is gone, so that what waited for it goes on.

    The timetable starts it and not pulse: a task cluster always runs, pulse only where a poll is fast or Redis is on.
    So a job ends within a minute, and the half minute of the queue's scheduler, after its lease or its process.
    """
    return f"{runs.reap()} ended"
