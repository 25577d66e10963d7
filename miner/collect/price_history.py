"""The back-fill of prices: the history of one ticker after the other."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import models

from markets import clock
from markets.jobs import job_results, runs
from markets.models import Job, Source
from markets.records import Price
from markets.store.prices import save_prices
from miner import sources
from miner.collect import candle_requests, failures, history, history_requests
from miner.collect import tables as table_collector
from miner.collect.history import Fill
from miner.fetch import rate_limit, retry
from miner.fetch.errors import ProviderError, UnknownTicker
from miner.models import SyncStatus
from miner.providers.base import QuoteSource

logger = logging.getLogger(__name__)

DAY = timedelta(days=1)
# Some sources refuse what is older than their limit to the minute, and the request itself takes time.
MARGIN = timedelta(hours=1)


def fetch_prices(fill: Fill, tickers: Sequence[str], resume: int | None = None) -> None:
    """Fetch and store prices ticker by ticker; one that the source does not know is recorded and left out.

    One that fails stops no other: it stays asked for (`past_at` is empty), and the job fails at its end.
    Polls may request the same listing twice while the queue is long: history that is complete is not fetched again.
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
        job_results.plan(job, len(left))
        while left:
            try:
                found = fetch_ticker(fill, job, provider, left[0], start)
            except rate_limit.Exhausted as error:
                history.wait(fill, error)
            except ProviderError as error:
                in_a_row += 1
                failures.go_on_after(job, error, in_a_row)
                job_results.progress(job, refused=[f"{left.pop(0)}: {runs.scrub(str(error))}"])
                history.record_progress(fill, job, None)
            else:
                in_a_row = 0
                save_prices(found, source, job)
                if fill.is_whole:
                    history_states(source, left[:1]).update(past_at=clock.now())
                del left[0]
                history.record_progress(fill, job, found[-1].observed_at if found else None)
            if left and fill.is_over():
                raise runs.Pause(partial(fill.on_continue, left))
        failures.raise_earlier(job)


def history_states(source: Source, tickers: Sequence[str]) -> models.QuerySet[SyncStatus]:
    """The rows of these tickers that say whether their history is complete (`past_at`)."""
    return SyncStatus.objects.filter(listing__source=source, listing__ticker__in=tickers)


def fetch_ticker(fill: Fill, job: Job, provider: QuoteSource, ticker: str, start: datetime) -> list[Price]:
    rate_limit.take(fill.source, sources.allowance_of(fill.source))
    history_states(fill.source, [ticker]).update(past_tries=models.F("past_tries") + 1)
    traffic = retry.Traffic()
    try:
        work = partial(provider.fetch_history, ticker, start, fill.end)
        found = retry.call(work, traffic, candle_requests.PATIENCE, fill.deadline + table_collector.GRACE)
    except UnknownTicker as error:
        message = runs.scrub(str(error))
        logger.warning("%s is not known at %s: %s", ticker, fill.source.code, message)
        job_results.progress(job, refused=[f"{ticker}: {message}"])
        return []
    finally:
        job.requests += traffic.requests
        job.retries += traffic.retries
        job.waited_seconds += traffic.waited_seconds
    rate_limit.answered(fill.source)
    if refused := provider.take_refused():
        job_results.progress(job, refused=[f"{about}: {reason}" for about, reason in refused.items()])
    return found
