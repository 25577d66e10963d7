"""The back-fill of prices and candles over a range of days, resumable at any point.

A task works for 40 s and enqueues its continuation (`miner.backfill`); a command has no deadline.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from functools import partial
from itertools import chain
from math import ceil
from typing import Any

from django.conf import settings
from django.db import DatabaseError, models

from markets import clock, timeframes
from markets.jobs import runs
from markets.models import Job, Source
from markets.records import Bar, Price
from markets.store import retention
from markets.store.prices import save_bars, save_prices
from miner import sources
from miner.collect import backoff, history_requests
from miner.collect import candles as cycle
from miner.collect import prices as price_collector
from miner.collect import tables as table_collector
from miner.fetch import rate_limit, retry
from miner.fetch.errors import ProviderError, UnknownTicker
from miner.models import SyncStatus
from miner.providers.base import QuoteSource

logger = logging.getLogger(__name__)

GOOD = {Job.Status.SUCCESS, Job.Status.SKIPPED}
BUSY = "busy"
DAY = timedelta(days=1)
# Some sources refuse what is older than their limit to the minute, and the request itself takes time.
MARGIN = timedelta(hours=1)
# In seconds. The window of a rate limit is a minute; a back-fill does not wait for a longer cool-down.
LONGEST_WAIT = 90.0
# In seconds. What a round of candles may take beyond its deadline when everything is slow: a task is killed after 60 s.
ROUND = 12.0


@dataclass(slots=True)
class Fill:
    """One back-fill from `start` to `end`.

    At `deadline` (of the monotonic clock) it stops and calls `on_continue(what is left, job id)`. `watch` is called
    after each window with the windows done, the windows planned and the day reached.
    """

    source: Source
    start: datetime
    end: datetime
    trigger: str = Job.Trigger.OPERATOR
    deadline: float = float("inf")
    on_continue: Callable[[Any, int], object] = lambda *_: None
    watch: Callable[[int, int, date | None], object] = lambda *_: None
    job: Job | None = None
    error: str = ""

    def is_over(self) -> bool:
        return time.monotonic() >= self.deadline

    @property
    def is_first(self) -> bool:
        """Whether a poll requested it because a listing has no history yet."""
        return self.trigger == Job.Trigger.SCHEDULE

    @property
    def is_whole(self) -> bool:
        """Whether it covers the whole history that Charon keeps, not just the days that an operator chose."""
        reaches_back = self.start.date() <= clock.today() - history_requests.HISTORY
        return self.is_first or (reaches_back and self.end >= clock.now() - DAY)


def moments(start: date, end: date) -> tuple[datetime, datetime]:
    """The range of days as datetimes, up to now at most; market days are days in UTC."""
    after = datetime.combine(min(end, clock.now().date()), hour.min, UTC) + DAY
    return datetime.combine(start, hour.min, UTC), min(after, clock.now())


def settled(fill: Fill, work: Callable[[], None]) -> str:
    """Runs the work and returns its status; errors of the source or the database are recorded and not raised."""
    try:
        work()
    except runs.Busy:
        return BUSY
    except (ProviderError, DatabaseError, runs.LeaseLost) as error:
        fill.error = runs.scrub(str(error))
        logger.warning("The back-fill of %s failed: %s", fill.source.code, fill.error)
        if isinstance(error, ProviderError):
            backoff.back_off(fill.source, error)
        return Job.Status.FAILED
    return fill.job.status if fill.job else Job.Status.FAILED


def wait(fill: Fill, error: rate_limit.Exhausted) -> None:
    """Sleep until the rate limit allows a call, or until the deadline; re-raises for a cool-down of more than 90 s."""
    seconds = (error.until - clock.now()).total_seconds()
    if seconds > LONGEST_WAIT:
        raise error
    time.sleep(max(0.0, min(seconds, fill.deadline - time.monotonic())))


def fetch_prices(fill: Fill, tickers: Sequence[str], resume: int | None = None) -> None:
    """Fetch and store prices ticker by ticker; a ticker that the source does not know is recorded and left out.

    Polls may request the same listing twice while the queue is long: history that is complete is not fetched again.
    """
    source, left, start = fill.source, list(tickers), fill.start
    provider = sources.quote_source_of(source)
    if provider.history_days:
        start = max(start, clock.now() - DAY * provider.history_days + MARGIN)
    with runs.job(history_requests.history_job(source), source, fill.trigger, resume) as job:
        fill.job = job
        if fill.is_first:
            there = set(history_states(source, left).exclude(past_at=None).values_list("listing__ticker", flat=True))
            left = [ticker for ticker in left if ticker not in there]
        if not left or start >= fill.end:
            raise runs.Skip(runs.Reason.UP_TO_DATE)
        runs.plan(job, len(left))
        while left:
            try:
                found = history(fill, job, provider, left[0], start)
            except rate_limit.Exhausted as error:
                wait(fill, error)
            else:
                save_prices(found, source, job)
                if fill.is_whole:
                    history_states(source, left[:1]).update(past_at=clock.now())
                del left[0]
                record_progress(fill, job, found[-1].observed_at if found else None)
            if left and fill.is_over():
                raise runs.Pause(partial(fill.on_continue, left))


def history_states(source: Source, tickers: Sequence[str]) -> models.QuerySet[SyncStatus]:
    """The rows of these tickers that say whether their history is complete (`past_at`)."""
    return SyncStatus.objects.filter(listing__source=source, listing__ticker__in=tickers)


def history(fill: Fill, job: Job, provider: QuoteSource, ticker: str, start: datetime) -> list[Price]:
    rate_limit.take(fill.source, sources.allowance_of(fill.source))
    history_states(fill.source, [ticker]).update(past_tries=models.F("past_tries") + 1)
    traffic = retry.Traffic()
    try:
        work = partial(provider.fetch_history, ticker, start, fill.end)
        found = retry.call(work, traffic, cycle.PATIENCE, fill.deadline + table_collector.GRACE)
    except UnknownTicker as error:
        message = runs.scrub(str(error))
        logger.warning("%s is not known at %s: %s", ticker, fill.source.code, message)
        runs.progress(job, refused=[f"{ticker}: {message}"])
        return []
    finally:
        job.requests += traffic.requests
        job.retries += traffic.retries
        job.waited_seconds += traffic.waited_seconds
    rate_limit.answered(fill.source)
    return found


def fetch_candles(fill: Fill, timeframe: str, at: datetime | None = None, resume: int | None = None) -> None:
    """Fetch and store a thousand candles of every symbol at a time, ascending, so that a kill leaves no gap.

    A symbol that was listed later is not requested before its first candle.
    """
    source, seconds = fill.source, timeframes.SECONDS[timeframe]
    start, listings = at or first_candle(fill.start, timeframe), price_collector.due(source)
    step = timedelta(seconds=seconds * cycle.FIRST)
    with runs.job(f"{source.code}.fill.{timeframe}", source, fill.trigger, resume) as job:
        fill.job = job
        if not listings or start >= fill.end:
            raise runs.Skip(runs.Reason.UP_TO_DATE)
        runs.plan(job, ceil((fill.end - start) / step))
        begins: dict[str, datetime] = {}
        while start < fill.end:
            most = min(cycle.FIRST, ceil((fill.end - start).total_seconds() / seconds))
            there = [row for row in listings if begins.get(row.ticker, start) < start + step]
            try:
                bars = fetch_window(job, source, timeframe, [cycle.Question(row, start, most) for row in there])
            except rate_limit.Exhausted as error:
                wait(fill, error)
            else:
                for bar in bars:
                    begins.setdefault(bar.ticker, bar.open_time)
                save_bars([bar for bar in bars if bar.open_time < fill.end], source, job)
                start += step
                record_progress(fill, job, min(start, fill.end))
            if start < fill.end and fill.is_over():
                raise runs.Pause(partial(fill.on_continue, start))


def first_candle(start: datetime, timeframe: str) -> datetime:
    """The open time of the first candle to fetch; nothing that the nightly retention would delete."""
    if timeframe == retention.SHORT_LIVED:
        start = max(start, clock.now() - DAY * settings.RETENTION_DAYS)
    return timeframes.start_of(start, timeframes.SECONDS[timeframe])


def fetch_window(job: Job, source: Source, timeframe: str, questions: Sequence[cycle.Question]) -> list[Bar]:
    """Fetches the candles for these questions; the job names a symbol that failed, since its candles are missing."""
    done = cycle.Cycle()
    try:
        lots = cycle.fetch(source, timeframe, questions, done) if questions else ()
        bars = list(chain.from_iterable(lots))
        if done.failed:
            first = questions[0].start
            lost = [
                f"{ticker} {timeframe} from {first:%Y-%m-%d %H:%M}: {message}"
                for ticker, message in done.failed.items()
            ]
            runs.progress(job, refused=lost)
        return bars
    finally:
        job.requests += done.requests
        job.retries += done.retries
        job.waited_seconds += done.waited_seconds


def record_progress(fill: Fill, job: Job, reached: datetime | None) -> None:
    runs.progress(job, windows=1, reached=reached.date() if reached else None)
    job.refresh_from_db(fields=["windows", "windows_done"])
    fill.watch(job.windows_done, job.windows, reached.date() if reached else None)
