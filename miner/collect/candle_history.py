"""The back-fill of candles: a thousand of every symbol at a time, ascending."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from math import ceil

from django.conf import settings

from markets import clock, timeframes
from markets.jobs import job_results, runs
from markets.models import Gap, Job, Listing, Source
from markets.records import Bar
from markets.store import gaps, retention
from markets.store.prices import save_bars
from miner.collect import candle_requests, failures, history
from miner.collect import candles as cycle
from miner.collect import prices as price_collector
from miner.collect.candle_requests import Cycle, Question
from miner.collect.history import Fill
from miner.fetch import rate_limit
from miner.fetch.errors import ProviderError

DAY = timedelta(days=1)


def fetch_candles(fill: Fill, timeframe: str, at: datetime | None = None, resume: int | None = None) -> None:
    """Fetch and store a thousand candles of every symbol at a time, ascending, so that a kill leaves no gap.

    A window that fails becomes gaps and stops none after it; the job fails at its end.
    A symbol that was listed later is not requested before its first candle.
    """
    source, seconds = fill.source, timeframes.SECONDS[timeframe]
    start, listings = at or first_candle(fill.start, timeframe), price_collector.due(source)
    step = timedelta(seconds=seconds * cycle.FIRST)
    with runs.job(f"{source.code}.fill.{timeframe}", source, fill.trigger, resume) as job:
        fill.job = job
        if not listings or start >= fill.end:
            raise runs.Skip(runs.Reason.UP_TO_DATE)
        job_results.plan(job, ceil((fill.end - start) / step))
        begins: dict[str, datetime] = {}
        in_a_row = 0
        while start < fill.end:
            most = min(cycle.FIRST, ceil((fill.end - start).total_seconds() / seconds))
            there = [row for row in listings if begins.get(row.ticker, start) < start + step]
            try:
                bars = fetch_window(job, source, timeframe, [Question(row, start, most) for row in there])
            except rate_limit.Exhausted as error:
                history.wait(fill, error)
            except ProviderError as error:
                in_a_row += 1
                failures.go_on_after(job, error, in_a_row)
                note_gaps(source, timeframe, there, start, min(start + step, fill.end), error)
                start += step
                history.record_progress(fill, job, None)
            else:
                in_a_row = 0
                for bar in bars:
                    begins.setdefault(bar.ticker, bar.open_time)
                save_bars([bar for bar in bars if bar.open_time < fill.end], source, job)
                start += step
                history.record_progress(fill, job, min(start, fill.end))
            if start < fill.end and fill.is_over():
                raise runs.Pause(partial(fill.on_continue, start))
        failures.raise_earlier(job)


def note_gaps(
    source: Source, timeframe: str, listings: Sequence[Listing], start: datetime, end: datetime, error: ProviderError
) -> None:
    """The candles of a window that could not be had, of each symbol."""
    table, last = f"{gaps.CANDLES}{timeframe}", end - timedelta(seconds=timeframes.SECONDS[timeframe])
    for listing in listings:
        span = gaps.Missing(table, listing.instrument_id, start, last)
        gaps.failed(source, span, Gap.Reason.FAILED, error.reason)


def first_candle(start: datetime, timeframe: str) -> datetime:
    """The open time of the first candle to fetch; nothing that the nightly retention would delete."""
    if timeframe == retention.SHORT_LIVED:
        start = max(start, clock.now() - DAY * settings.RETENTION_DAYS)
    return timeframes.start_of(start, timeframes.SECONDS[timeframe])


def fetch_window(job: Job, source: Source, timeframe: str, questions: Sequence[Question]) -> list[Bar]:
    """Fetches the candles for these questions; the job names a symbol that failed, since its candles are missing."""
    done = Cycle()
    try:
        lots = candle_requests.fetch(source, timeframe, questions, done) if questions else ()
        bars = list(chain.from_iterable(lots))
        if done.failed or done.refused:
            first = questions[0].start
            lost = [
                f"{ticker} {timeframe} from {first:%Y-%m-%d %H:%M}: {message}"
                for ticker, message in done.failed.items()
            ]
            job_results.progress(job, refused=[*lost, *done.refused])
        return bars
    finally:
        job.requests += done.requests
        job.retries += done.retries
        job.waited_seconds += done.waited_seconds
