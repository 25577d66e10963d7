"""The tasks that the queue runs. A dotted name here stands in schedules: keep the names."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial

from django.conf import settings
from django.db import DatabaseError
from django_q.tasks import async_task

from markets import clock, problems
from markets.errors import log_cause
from markets.jobs import job_leases, runs
from markets.licence import Audience
from markets.messages import Message
from markets.models import Gap, Job, Publication, Source
from markets.queries.compare import readings
from markets.redis import market_keys
from markets.store import retention
from miner import sources
from miner.batch import rotation
from miner.batch import run as batch_run
from miner.collect import candles as candle_cycle
from miner.collect import listing, market_gaps, one_table
from miner.collect import prices as quote_refresh
from miner.collect import tables as table_collector
from miner.fetch.errors import ProviderError
from miner.providers import PROVIDERS
from miner.providers.base import CandleSource
from miner.pulse import grid, results
from miner.slices import in_slices

logger = logging.getLogger(__name__)

CANDLES = "miner.tasks.candles"
CONTINUED = "continued"


def ping() -> str:
    """Whether the queue takes tasks at all; its result is a row of the queue."""
    return "pong"


def start() -> None:
    """What a start of Charon begins with: every source looks for what it lacks, archives first.

    The polls of the timetable follow at once: its scheduler looks only half a minute after the start.
    """
    begin([source.code for source in sources.runnable() if PROVIDERS[source.code].series])
    for func in ("miner.tasks.priority_batch", "miner.tasks.enqueue_secondary"):
        async_task(func, cluster=settings.MINER_QUEUE, group="batch")
    results.enqueue_planned()
    refresh_listings()


def begin(codes: Sequence[str]) -> None:
    """Mine these sources; those behind an archive when that has ended, however it ends: they would take a worker, and
    time of the two cores, from what a first page and every decision wait for.
    """
    for place, code in enumerate(codes, 1):
        if not PROVIDERS[code].scheduled:
            return enqueue(code, trigger=Job.Trigger.START, then=codes[place:])
        enqueue(code, trigger=Job.Trigger.START)
    return None


def enqueue(source: str, **arguments: object) -> None:
    async_task("miner.tasks.mine", source, cluster=settings.MINER_QUEUE, group=source, **arguments)


@in_slices
def mine(
    source: str,
    tables: list[str] | None = None,
    trigger: str = Job.Trigger.SCHEDULE,
    resume: int | None = None,
    then: Sequence[str] = (),
) -> str:
    """Mine a source (all its tables, or those named) for at most 40 s, then enqueue the continuation.

    A table that fails stops no other one; the answer says whether any failed. However it ends, the sources `then` are
    mined; one whose worker is killed leaves them to the timetable.
    """
    go_on, status = partial(enqueue, source, trigger=trigger, **({"then": then} if then else {})), ""
    try:
        status = mine_tables(source, tables, trigger, resume, go_on)
    finally:
        if status not in {Job.Status.RUNNING, CONTINUED}:
            begin(then)
    return status


def mine_tables(
    source: str, tables: list[str] | None, trigger: str, resume: int | None, go_on: Callable[..., None]
) -> str:
    row = sources.runnable_source(source)
    if row is None:
        job_leases.abandon(resume)
        return f"{source} is switched off, paused or unknown"
    run = one_table.run_of_task(row, trigger)
    wanted = [series for series in run.provider.series if tables is None or series.table in tables]

    def rest(table: str) -> list[str]:
        names = [series.table for series in wanted]
        return names[names.index(table) :]

    run.on_continue = lambda table, job: go_on(tables=rest(table), resume=job)
    statuses = set()
    for series in wanted:
        if table_collector.is_out_of_time(run):
            go_on(tables=rest(series.table))
            return CONTINUED
        status = one_table.mine_one(run, series, resume if series is wanted[0] else None)
        if status == Job.Status.RUNNING:
            return status
        statuses.add(status)
    return Job.Status.FAILED if Job.Status.FAILED in statuses else "done"


def poll(source: str, table: str) -> str:
    """In the hours of publication: mine until the day's table is in, then nothing."""
    if Publication.objects.filter(source__code=source, table=table, effective_date=clock.today()).exists():
        return "in"
    return mine(source, [table], Job.Trigger.WINDOW)


@results.once("{}.quotes")
def quotes(source: str) -> str:
    """One poll: the prices of everything that is followed at this source."""
    row, name = sources.available(source), f"{source}.quotes"
    if row is None:
        return "off"
    listings = quote_refresh.due(row)
    try:
        result = quote_refresh.refresh_counted(row, listings)
        if result.error is not None:
            raise result.error
    except ProviderError as error:
        return results.failed(name, error)
    except Exception as error:
        results.done(name, error)
        raise
    if isinstance(sources.provider_of(row), CandleSource):
        market_keys.keep_prices(result.prices)
    results.done(name)
    return f"{len(result.updated)} of {len(listings)}"


@results.once("{}.candles.{}")
def candles(source: str, timeframe: str) -> str:
    """One poll: the candles of a timeframe, of everything that is followed at this source.

    The timetable's polls of its other timeframes that are due come with it: one cycle is looked up and written at once.
    """
    row = sources.available(source)
    if row is None:
        return "off"
    provider = sources.provider_of(row)
    found = grid.candle_polls(row, provider, CANDLES) if isinstance(provider, CandleSource) else []
    others = {poll.name: poll for poll in found if poll.is_scheduled}
    own = candle_poll(source, timeframe)
    others.pop(own, None)
    with results.taken_along(others.values()) as taken:
        wanted = {own: timeframe} | {poll.name: str(poll.args[1]) for poll in taken}
        cycles = candle_cycle.refresh_counted(row, list(wanted.values()))
        faults = [told(name, cycles[part].ended) for name, part in wanted.items() if part in cycles]
    left = [others[name] for name, part in wanted.items() if part not in cycles]
    if left and sources.available(source):
        grid.enqueue_due(left)
    for fault in filter(None, faults):
        raise fault
    if cycles[timeframe].ended:
        return Job.Status.FAILED
    return f"{sum(cycle.bars for cycle in cycles.values())} candles"


def candle_poll(source: str, timeframe: str) -> str:
    return f"{source}.candles.{timeframe}"


def told(name: str, error: Exception | None) -> Exception | None:
    """Record how a poll went; answers a fault of ours, which the queue is to show."""
    if isinstance(error, ProviderError):
        results.failed(name, error)
        return None
    results.done(name, error)
    return error


@results.once("batch.queue")
def work_queue() -> str:
    """One poll: the next items of the priority queue."""
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
    row = sources.available(source)
    if row is None:
        return "off"
    try:
        return str(listing.refresh(row).status)
    except runs.Busy:
        return "busy"
    except (ProviderError, DatabaseError, job_leases.LeaseLost) as error:
        words = runs.scrub(str(error))
        logger.warning("%s does not say what it lists: %s", source, words, extra=log_cause(error))
        return Job.Status.FAILED


@in_slices
def prune() -> str:
    """Old prices, candles and jobs make room; what the time of one task did not suffice for follows in the next."""
    with runs.job("retention") as job:
        gone = retention.prune(settings.RETENTION_DAYS)
        Job.objects.filter(pk=job.pk).update(details=asdict(gone))
    if not gone.finished:
        async_task("miner.tasks.prune", cluster=settings.MINER_QUEUE, group="retention")
    return f"{gone.ticks} ticks, {gone.candles} candles, {gone.jobs} jobs"


def resume() -> list[str]:
    """Once an hour: every source that is mined at a start alone goes on where a task of it gave up, and markets are
    asked for their gaps that are due.

    A killed task is delivered three times and then no more, and a first fill may have been left in the middle: until
    the next start nobody would ask again. The others are mined by the timetable anyway.
    """
    runnable = sources.runnable()
    unfinished = [row.code for row in runnable if gave_up(row)]
    for code in unfinished:
        enqueue(code)
    with_gaps = {row.code: names for row in runnable if (names := market_gaps.due_tables(row))}
    for code, names in with_gaps.items():
        market_gaps.gaps_due.send(sender=Source, source=code, names=names)
    return [*unfinished, *with_gaps]


def gave_up(source: Source) -> bool:
    """Whether a source that has no schedule has not brought its tables, and no task is about to."""
    provider = PROVIDERS[source.code]
    if provider.scheduled or not provider.series:
        return False
    newest = Job.objects.filter(source=source, job_type__startswith=f"{source.code}.").order_by("-pk").first()
    if newest is not None and newest.status == Job.Status.RUNNING:
        return False
    failed = newest is None or newest.status == Job.Status.FAILED
    return failed or Gap.objects.filter(source=source, reason=Gap.Reason.FIRST_FILL, accepted_at=None).exists()


def compare_sources() -> str:
    """Once an hour: two sources that lie farther apart than in the year before are a problem, until they do no more.

    A pair whose newest day is old says nothing: that its source has stalled is told of the source.
    """
    found = readings.readings(Audience.OPERATOR)
    outside = {row.pair.name: Message.of(row.words) for row in found if row.outside and not row.is_stale}
    problems.settle("cross_source", outside)
    return f"{len(outside)} of {len(found)} outside"


def reap() -> str:
    """End every job whose lease ran out or whose process is gone, so that what waited for it goes on.

    The timetable starts it and not pulse: a task cluster always runs, pulse only where a poll is fast or Redis is on.
    So a job ends within a minute, and the half minute of the queue's scheduler, after its lease or its process.
    """
    return f"{job_leases.reap()} ended"
