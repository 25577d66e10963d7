"""The back-fill of prices: the history of one ticker after the other."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import models

from markets import clock
from markets.jobs import job_results, runs
from markets.messages import Message
from markets.models import Gap, Job, Listing, Source
from markets.records import Price
from markets.store import gaps
from markets.store.prices import save_prices
from miner import sources
from miner.collect import candle_requests, failures, history, history_requests
from miner.collect import tables as table_collector
from miner.collect.history import Fill
from miner.fetch import rate_limit, retry
from miner.fetch.errors import ProviderError, UnknownTicker
from miner.fetch.parsing import sentences
from miner.models import SyncStatus
from miner.providers.base import QuoteSource

logger = logging.getLogger(__name__)

DAY = timedelta(days=1)
# Some sources refuse what is older than their limit to the minute, and the request itself takes time.
MARGIN = timedelta(hours=1)
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Work:
    """A back-fill under way: from when on, and the days of each ticker that is listed, as a gap."""

    fill: Fill
    job: Job
    provider: QuoteSource
    start: datetime
    spans: dict[str, gaps.Missing]


def fetch_prices(fill: Fill, tickers: Sequence[str], resume: int | None = None) -> None:
    """Fetch and store prices ticker by ticker; one that the source does not know is recorded and left out.

    What was ordered stands in gaps first. A ticker that fails stops no other: its gap is asked for again, and the job
    fails at its end. Polls may request the same listing twice while the queue is long: history that is complete is not
    fetched again.
    """
    source, left, start = fill.source, list(tickers), fill.start
    provider, in_a_row = sources.quote_source_of(source), 0
    if provider.history_days:
        start = max(start, clock.now() - DAY * provider.history_days + MARGIN)
    with runs.job(history_requests.history_job(source), source, fill.trigger, resume) as job:
        fill.job = job
        if fill.is_first:
            there = set(history_states(source, left).exclude(past_at=None).values_list("listing__ticker", flat=True))
            left = [ticker for ticker in left if ticker not in there]
        if not left or start >= fill.end:
            raise runs.Skip(runs.Reason.UP_TO_DATE)
        work = Work(fill, job, provider, start, spans_of(source, left, start, fill.end))
        gaps.begin_first_fill(source, work.spans.values() if resume is None and not fill.is_again else ())
        job_results.plan(job, len(left))
        while left:
            try:
                reached = bring(work, left[0])
            except rate_limit.Exhausted as error:
                history.wait(fill, error)
            except ProviderError as error:
                job_results.progress(job, refused=[Message("about", about=left[0], reason=str(error))])
                in_a_row = leave_out(work, left.pop(0), error, in_a_row)
                history.record_progress(fill, job, None)
            else:
                in_a_row = 0
                del left[0]
                history.record_progress(fill, job, reached)
            if left and fill.is_over():
                raise runs.Pause(partial(fill.on_continue, left))
        failures.raise_earlier(job)


def bring(work: Work, ticker: str) -> datetime | None:
    """The history of one ticker, stored; the moment of its newest price."""
    found = fetch_ticker(work, ticker)
    save_prices(found, work.fill.source, work.job, answered_by(work, ticker))
    mark_whole(work, ticker)
    return found[-1].observed_at if found else None


def answered_by(work: Work, ticker: str) -> gaps.Answered | None:
    """The days that the source has answered for; those before its whole history cannot be had at all."""
    if span := work.spans.get(ticker):
        return gaps.Answered(span.table, {span.instrument}, EVER if work.fill.is_whole else span.first, span.last)
    return None


def leave_out(work: Work, ticker: str, error: ProviderError, in_a_row: int) -> int:
    """What failed of one ticker is a gap of its own; answers how many failed in a row. Raises what ends the run."""
    is_unlisted = isinstance(error, UnknownTicker)
    in_a_row = 0 if is_unlisted else in_a_row + 1
    if span := work.spans.get(ticker):
        is_outage = failures.is_about_the_source(error) or in_a_row >= failures.PATIENCE_WITH_WINDOWS
        gaps.failed(work.fill.source, span, Gap.Reason.FAILED, error.reason, is_outage)
    if is_unlisted:
        mark_whole(work, ticker)
    else:
        failures.go_on_after(work.job, error, in_a_row)
    return in_a_row


def mark_whole(work: Work, ticker: str) -> None:
    """All that there is has come, if it was asked for in whole: polls ask for no more of it."""
    if work.fill.is_whole:
        history_states(work.fill.source, [ticker]).update(past_at=clock.now())


def spans_of(source: Source, tickers: Sequence[str], start: datetime, end: datetime) -> dict[str, gaps.Missing]:
    """The days of a range as a gap of each ticker that is listed."""
    first, last = start.date(), (end - timedelta(microseconds=1)).date()
    rows = Listing.objects.filter(source=source, ticker__in=tickers)
    return {row.ticker: gaps.of_days(gaps.PRICES, first, last, row.instrument_id) for row in rows}


def history_states(source: Source, tickers: Sequence[str]) -> models.QuerySet[SyncStatus]:
    """The rows of these tickers that say whether their history is complete (`past_at`)."""
    return SyncStatus.objects.filter(listing__source=source, listing__ticker__in=tickers)


def fetch_ticker(work: Work, ticker: str) -> list[Price]:
    fill, job, provider = work.fill, work.job, work.provider
    rate_limit.take(fill.source, sources.allowance_of(fill.source))
    history_states(fill.source, [ticker]).update(past_tries=models.F("past_tries") + 1)
    traffic = retry.Traffic()
    try:
        ask = partial(provider.fetch_history, ticker, work.start, fill.end)
        found = retry.call(ask, traffic, candle_requests.PATIENCE, fill.deadline + table_collector.GRACE)
    except UnknownTicker as error:
        logger.warning("%s is not known at %s: %s", ticker, fill.source.code, runs.scrub(str(error)))
        raise
    finally:
        job.requests += traffic.requests
        job.retries += traffic.retries
        job.waited_seconds += traffic.waited_seconds
    rate_limit.answered(fill.source)
    if refused := provider.take_refused():
        job_results.progress(job, refused=sentences(refused))
    return found
