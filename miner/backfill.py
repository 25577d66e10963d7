"""What operators start, as tasks: a source asked now, its connection tried, an asset looked up, a range of the past.

The past of a new listing, which a poll asks for, is the same work as a range. A task works for 40 s and
enqueues its own continuation, from the place that it has reached. A dotted name here stands in the queue: keep the
names, or add the old one to `charon.processes.task_names`.
"""

import logging
import time
from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django_q.tasks import async_task

from markets import clock
from markets.errors import QuestionError
from markets.jobs import job_leases, lookups, runs
from markets.messages import Message
from markets.models import Job, Source
from markets.store import assets, gaps
from miner import sources, tasks
from miner.collect import history_requests, listing, market_gaps, one_table, probe, window_plan
from miner.collect import prices as price_collector
from miner.collect.candle_history import fetch_candles, fetch_gaps
from miner.collect.history import BUSY, ROUND, Fill, moments, settled
from miner.collect.price_history import fetch_prices, history_states
from miner.fetch.errors import ProviderError
from miner.providers.base import CandleSource, QuoteSource
from miner.slices import Slice, in_slices

logger = logging.getLogger(__name__)

OFF = "switched off, paused or unknown"
# Gaps have their own spans.
EVER = date(1970, 1, 1), date.max


def now(source: Source) -> None:
    """Ask for what the source has to say at the moment, whatever that is."""
    provider = sources.provider_of(source)
    if provider.series:
        tasks.enqueue(source.code, trigger=Job.Trigger.OPERATOR)
    if isinstance(provider, QuoteSource):
        put("miner.tasks.quotes", source.code, group=f"{source.code}.quotes")
    if isinstance(provider, CandleSource):
        for timeframe in provider.timeframes:
            put("miner.tasks.candles", source.code, timeframe, group=f"{source.code}.candles.{timeframe}")
    if names := market_gaps.due_tables(source, clock.now()):
        enqueue_gaps(source.code, names, trigger=Job.Trigger.OPERATOR)


def enqueue(source: Source, start: date, end: date) -> bool:
    """Ask for these days of all that the source keeps a past of; False when it keeps none."""
    provider = sources.provider_of(source)
    found: list[tuple[str, list[str]]] = []
    if provider.series:
        found.append(("tables", [series.table for series in provider.series]))
    if history_requests.has_history(provider):
        found.append(("prices", [listing.ticker for listing in price_collector.due(source)]))
    if isinstance(provider, CandleSource):
        found.append(("candles", list(provider.timeframes)))
    for kind, names in found:
        put(f"miner.backfill.{kind}", source.code, names, start, end, group=f"{source.code}.fill")
    return bool(found)


def check(source: str) -> str:
    """Try the connection to a source, also to one that is switched off; the answer is how the job ends."""
    row = Source.objects.filter(code=source).first()
    if row is None or sources.installed_provider(source) is None:
        return OFF
    try:
        with runs.job(f"{source}.check", row, Job.Trigger.OPERATOR) as job:
            job.requests = 1
            probe.ask(row)
    except runs.Busy:
        return BUSY
    except probe.Failed as error:
        logger.warning("The connection to %s failed: %s", source, error)
        return Job.Status.FAILED
    return Job.Status.SUCCESS


class Unlisted(Exception):
    """The asset cannot be followed; the text says why."""

    reason = Job.Reason.REFUSED


def look_up(symbol: str, name: str, aliases: Sequence[str], job: int | None = None) -> str:
    """Ask the sources that were not asked lately what they list, then follow the asset or say why not, in the job."""
    try:
        with runs.job(lookups.job_type(symbol), None, Job.Trigger.OPERATOR, job):
            failures = [why for source in listing.due() if (why := listing_failure(source))]
            if assets.follow(symbol, name, aliases) is None:
                raise Unlisted(Message("several", parts=[Message("unlisted", symbol=symbol), *failures]))
    except runs.Busy:
        return BUSY
    except (Unlisted, QuestionError) as error:
        logger.warning("%s is not followed: %s", symbol, runs.scrub(str(error)))
        return Job.Status.FAILED
    return Job.Status.SUCCESS


def listing_failure(source: Source) -> Message | None:
    """Why the source did not say what it lists; None when it did."""
    try:
        listing.refresh(source, Job.Trigger.OPERATOR)
    except runs.Busy:
        return Message("being_asked", source=source.code)
    except (ProviderError, job_leases.LeaseLost) as error:
        return Message("did_not_say", source=source.code, reason=str(error))
    return None


def put(func: str, *args: object, group: str, **more: object) -> None:
    async_task(func, *args, cluster=settings.MINER_QUEUE, group=group, **more)


@in_slices
def tables(
    source: str, names: list[str], start: date, end: date, at: date | None = None, job: int | None = None
) -> str:
    """The first of these tables, from `at` on when a task before has come so far; a task of its own for each other.

    One that fails, or is being mined by somebody else, stops no other one.
    """
    row = sources.runnable_source(source)
    if row is None:
        job_leases.abandon(job)
        return OFF
    run = one_table.run_of_task(row, Job.Trigger.OPERATOR)
    series = next(series for series in run.provider.series if series.table == names[0])
    run.span = at or start, end
    windows, done = window_plan.windows_of(row, series, run.span, clock.today()), 0

    def count(_: object, number: int, *__: object) -> None:
        nonlocal done
        done = number

    def rest(_: str, job: int) -> None:
        again("tables", row, names, start, end, at=windows[done][0], job=job)

    run.watch, run.on_continue = count, rest
    status = one_table.mine_one(run, series, job)
    if status != Job.Status.RUNNING and names[1:]:
        again("tables", row, names[1:], start, end)
    return status


@in_slices
def prices(
    source: str,
    names: list[str],
    start: date,
    end: date,
    job: int | None = None,
    trigger: str = Job.Trigger.OPERATOR,
    is_again: bool = False,
) -> str:
    """The history of each of these tickers. A task that met another back-fill is enqueued again by the next poll."""
    row = sources.runnable_source(source)
    if row is None:
        job_leases.abandon(job)
        return OFF
    fill = of_task(row, start, end)
    fill.trigger, fill.is_again = trigger, is_again
    state = {"trigger": trigger} | ({"is_again": True} if is_again else {})
    fill.on_continue = lambda left, job: again("prices", row, left, start, end, job=job, **state)
    status = settled(fill, lambda: fetch_prices(fill, names, job))
    if status == BUSY and fill.is_first:
        for name in names:  # not all at once: polls write the same rows in another order
            history_states(row, [name]).update(past_asked_at=None)
    return status


@in_slices
def candles(
    source: str, names: list[str], start: date, end: date, at: datetime | None = None, job: int | None = None
) -> str:
    """The first of these timeframes; a task of its own for each other, also after one that failed."""
    row = sources.runnable_source(source)
    if row is None:
        job_leases.abandon(job)
        return OFF
    fill = of_task(row, start, end)
    fill.on_continue = lambda reached, job: again("candles", row, names, start, end, at=reached, job=job)
    status = settled(fill, lambda: fetch_candles(fill, names[0], at, job))
    if status != Job.Status.RUNNING and names[1:]:
        again("candles", row, names[1:], start, end)
    return status


@in_slices
def fill_gaps(source: str, names: list[str], trigger: str = Job.Trigger.SCHEDULE, job: int | None = None) -> str:
    """The gaps of the first of these series that are due; a task of its own for each other, also after a failure.

    Prices are a task for each span of days.
    """
    row = sources.available(source)
    if row is None:
        job_leases.abandon(job)
        return OFF
    table, rest, status = names[0], names[1:], "enqueued"
    if table == gaps.PRICES:
        all_before = clock.now() if trigger == Job.Trigger.OPERATOR else None
        for (start, end), tickers in market_gaps.due_prices(row, all_before).items():
            again("prices", row, tickers, start, end, trigger=trigger, is_again=True)
    else:
        fill = of_task(row, *EVER)
        fill.trigger, fill.is_again = trigger, True
        fill.on_continue = lambda _, job: enqueue_gaps(source, names, trigger=trigger, job=job)
        status = settled(fill, lambda: fetch_gaps(fill, table.removeprefix(gaps.CANDLES), job))
    if status != Job.Status.RUNNING and rest:
        enqueue_gaps(source, rest, trigger=trigger)
    return status


def enqueue_gaps(source: str, names: Sequence[str], **state: object) -> None:
    put("miner.backfill.fill_gaps", source, list(names), group=f"{source}.gaps", **state)


def again(kind: str, source: Source, names: Sequence[str], start: date, end: date, **state: object) -> None:
    put(f"miner.backfill.{kind}", source.code, list(names), start, end, group=f"{source.code}.fill", **state)


def of_task(source: Source, start: date, end: date) -> Fill:
    seconds = settings.TASK_WORK.total_seconds() - ROUND
    return Fill(source, *moments(start, end), deadline=time.monotonic() + seconds, gives_way=Slice(seconds).is_over)
