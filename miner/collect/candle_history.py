"""The back-fill of candles: a thousand of every symbol at a time, of a range or of the gaps that are due."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from markets import clock, timeframes
from markets.jobs import job_results, runs
from markets.messages import Message
from markets.models import Gap, Job, Listing, Source
from markets.records import Bar
from markets.store import gaps, retention
from markets.store.prices import save_bars
from miner.collect import candle_requests, failures, history, market_gaps
from miner.collect import candles as cycle
from miner.collect import prices as price_collector
from miner.collect.candle_requests import Cycle, Question
from miner.collect.history import Fill
from miner.fetch import rate_limit
from miner.fetch.errors import ProviderError, UnknownTicker

DAY = timedelta(days=1)


class Window(NamedTuple):
    """The first and the last candle to ask for, and of whom."""

    first: datetime
    last: datetime
    listings: Sequence[Listing]


def fetch_candles(fill: Fill, timeframe: str, at: datetime | None = None, resume: int | None = None) -> None:
    """Fetch and store a thousand candles of every symbol at a time, ascending.

    What was ordered stands in gaps first: whatever ends this, the schedule asks for the rest (`fetch_gaps`).
    """
    source = fill.source
    start, listings = at or first_candle(fill.start, timeframe), price_collector.due(source)
    with runs.job(f"{source.code}.fill.{timeframe}", source, fill.trigger, resume) as job:
        fill.job = job
        if not listings or start >= fill.end:
            raise runs.Skip(runs.Reason.UP_TO_DATE)
        last = timeframes.start_of(fill.end - timedelta(microseconds=1), timeframes.SECONDS[timeframe])
        if at is None:
            ordered = [gaps.Missing(table(timeframe), row.instrument_id, start, last) for row in listings]
            gaps.begin_first_fill(source, ordered)
        work_off(fill, job, timeframe, [Window(*span, listings) for span in cut(start, last, timeframe)])


def fetch_gaps(
    fill: Fill, timeframe: str, resume: int | None = None, which: market_gaps.Which = market_gaps.every_gap
) -> None:
    """Ask for the gaps of a timeframe that are due, the symbols of one span together."""
    with runs.job(f"{fill.source.code}.fill.{timeframe}", fill.source, fill.trigger, resume) as job:
        fill.job = job
        all_before = job.started_at if fill.trigger == Job.Trigger.OPERATOR else None
        found = market_gaps.due(fill.source, table(timeframe), all_before, which)
        windows: dict[tuple[datetime, datetime], list[Listing]] = defaultdict(list)
        for row, listing in found:
            for span in cut(first_candle(row.from_time, timeframe), row.to_time, timeframe):
                windows[span].append(listing)
        work_off(fill, job, timeframe, [Window(*span, listings) for span, listings in windows.items()])
        if not job.rows_written:
            raise runs.Skip(runs.Reason.UP_TO_DATE)


def work_off(fill: Fill, job: Job, timeframe: str, windows: list[Window]) -> None:
    """One window after the other. One that fails becomes gaps and stops none after it; the job fails at its end.

    A symbol that was listed later is not asked for again before its first candle.
    """
    job_results.plan(job, len(windows))
    quiet: dict[str, tuple[datetime, datetime]] = {}
    in_a_row = 0
    while windows:
        window = windows[0]
        try:
            bring(fill, job, timeframe, window, quiet)
        except rate_limit.Exhausted as error:
            history.wait(fill, error)
        except ProviderError as error:
            in_a_row += 1
            is_outage = failures.is_about_the_source(error) or in_a_row >= failures.PATIENCE_WITH_WINDOWS
            note_gaps(fill.source, timeframe, window, dict.fromkeys(tickers(window), error), is_outage)
            failures.go_on_after(job, error, in_a_row)
            history.record_progress(fill, job, None)
            del windows[0]
        else:
            in_a_row = 0
            history.record_progress(fill, job, min(window.last + step(timeframe), fill.end))
            del windows[0]
        if windows and fill.is_over():
            raise runs.Pause(partial(fill.on_continue, windows[0].first))
    failures.raise_earlier(job)
    job.refresh_from_db(fields=["rows_written", "refused", "notes", "note_messages"])
    failures.check_refused(job.details.get("accepted", 0), job.refused, failures.refused_of(job))


def bring(fill: Fill, job: Job, timeframe: str, window: Window, quiet: dict[str, tuple[datetime, datetime]]) -> None:
    """Fetch and store one window; a symbol that fails alone becomes a gap, and the others live.

    `quiet`: from when a symbol was asked for, and its first candle after that.
    """
    asked = [row for row in window.listings if not is_before(window, quiet.get(row.ticker))]
    most = (window.last - window.first) // step(timeframe) + 1
    bars, errors = fetch_window(job, fill.source, timeframe, [Question(row, window.first, most) for row in asked])
    for bar in bars:
        quiet.setdefault(bar.ticker, (window.first, bar.open_time))
    known = [row.instrument_id for row in window.listings if row.ticker not in errors]
    answered = gaps.Answered(table(timeframe), known, window.first, window.last)
    inside = [bar for bar in bars if bar.open_time < fill.end]
    outcome = save_bars(inside, fill.source, job, answered)
    job_results.add_accepted(job, len(inside) - len(outcome.refused))
    note_gaps(fill.source, timeframe, window, errors)
    for error in errors.values():
        if not isinstance(error, UnknownTicker):
            failures.remember(job, error)


def is_before(window: Window, known: tuple[datetime, datetime] | None) -> bool:
    """Whether nothing was published in the window: it lies between the moment asked for and the first candle."""
    return known is not None and known[0] <= window.first and window.last < known[1]


def note_gaps(
    source: Source, timeframe: str, window: Window, errors: Mapping[str, ProviderError], is_outage: bool = False
) -> None:
    """The candles of a window that could not be had, of each symbol that failed."""
    with transaction.atomic():
        for row in window.listings:
            if error := errors.get(row.ticker):
                span = gaps.Missing(table(timeframe), row.instrument_id, window.first, window.last)
                gaps.failed(source, span, Gap.Reason.FAILED, error.reason, is_outage)


def tickers(window: Window) -> list[str]:
    return [row.ticker for row in window.listings]


def table(timeframe: str) -> str:
    """The name of the series in gaps."""
    return f"{gaps.CANDLES}{timeframe}"


def step(timeframe: str) -> timedelta:
    return timedelta(seconds=timeframes.SECONDS[timeframe])


def cut(first: datetime, last: datetime, timeframe: str) -> Iterator[tuple[datetime, datetime]]:
    """The spans of at most a thousand candles, ascending."""
    bar = step(timeframe)
    while first <= last:
        end = min(first + bar * (cycle.FIRST - 1), last)
        yield first, end
        first = end + bar


def first_candle(start: datetime, timeframe: str) -> datetime:
    """The open time of the first candle to fetch; nothing that the nightly retention would delete."""
    if timeframe == retention.SHORT_LIVED:
        start = max(start, clock.now() - DAY * settings.RETENTION_DAYS)
    return timeframes.start_of(start, timeframes.SECONDS[timeframe])


def fetch_window(
    job: Job, source: Source, timeframe: str, questions: Sequence[Question]
) -> tuple[list[Bar], dict[str, ProviderError]]:
    """The candles for these questions, and what was wrong with a symbol, by ticker; the job names it."""
    done = Cycle()
    try:
        lots = candle_requests.fetch(source, timeframe, questions, done, patient=True) if questions else ()
        bars = list(chain.from_iterable(lots))
        if done.failed or done.refused:
            first = min(one.start for one in questions if one.start)
            lost = [
                Message("refused_from", ticker=ticker, timeframe=timeframe, first=first, reason=message)
                for ticker, message in done.failed.items()
            ]
            job_results.progress(job, refused=[*lost, *done.refused])
        return bars, done.errors
    finally:
        job.requests += done.requests
        job.retries += done.retries
        job.waited_seconds += done.waited_seconds
