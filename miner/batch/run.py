"""The priority batch: every critical instrument, within the rate limit.

Each instrument is fetched from its most urgent source that is enabled and has a key. When that source gives no price,
the result names a fallback source whose stored price is fresh: Deribit for BTCUSD, the ECB's daily rate for EURUSD.
The failure of one instrument never stops the others.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from markets import clock
from markets.jobs import runs
from markets.licence import Audience
from markets.messages import Message
from markets.models import Job, Listing, Source
from markets.queries import latest_prices
from miner import sources
from miner.batch import queue as batch_queue
from miner.batch.result import JOB, BatchResult, faults, new_id
from miner.collect import prices as price_collector
from miner.collect import sync_status
from miner.models import SyncStatus
from miner.providers.base import QuoteSource

logger = logging.getLogger(__name__)

CRITICAL = Listing.Priority.CRITICAL
# In seconds. A task is killed after 60 s: its groups wait 20 s for the rate limit in all, and none begins after 40 s.
PATIENCE, LAST_START = 20.0, 40.0


def run(batch_id: str = "", trigger: str = Job.Trigger.SCHEDULE) -> BatchResult | None:
    """Update every critical instrument; None when a batch is running already.

    The Job row holds the result. A batch whose id a client knows already has a row in any case.
    """
    result = BatchResult(batch_id or new_id())
    try:
        with runs.job(JOB, trigger=trigger) as job, logged(result) as started:
            keep(job, result)
            groups = critical()
            for source, listings in groups:
                update(source, listings, result, time.monotonic() - started)
            asked = {listing.instrument_id: source.pk for source, listings in groups for listing in listings}
            result.fallbacks |= fallback_sources(asked, result.priority_updated)
            result.queue_remaining = batch_queue.size()
            keep(job, result)
    except runs.Busy:
        logger.warning("A batch is already running")
        if batch_id:
            record_skipped(result, trigger)
        return None
    return result


@contextmanager
def logged(result: BatchResult) -> Iterator[float]:
    """Its begin and its end, which has a line also where an error is the end."""
    logger.info("Batch %s begins", result.batch_id)
    started = time.monotonic()
    try:
        yield started
    finally:
        logger.info(
            "Batch %s ended after %.1f s: %d updated, %d failed, %d calls",
            result.batch_id,
            time.monotonic() - started,
            len(result.priority_updated),
            len(result.priority_failed),
            result.api_calls_used,
        )


def record_skipped(result: BatchResult, trigger: str) -> None:
    """Record a batch whose id was given to a client, but which did not run, since another one was running."""
    now, (error, message) = clock.now(), runs.stored(Message("batch_busy"))
    Job.objects.create(
        job_type=JOB,
        status=Job.Status.SKIPPED,
        trigger=trigger,
        started_at=now,
        finished_at=now,
        error=error,
        error_message=message,
        details=asdict(result),
    )


def keep(job: Job, result: BatchResult) -> None:
    """Store the result in the job's row, while it runs as well as at its end."""
    job.requests = result.api_calls_used
    rows = len(result.priority_updated)
    Job.objects.filter(pk=job.pk).update(details=asdict(result), rows_written=rows, requests=result.api_calls_used)


def critical() -> list[tuple[Source, list[Listing]]]:
    """The critical instruments grouped by source and market; one group is one call."""
    wanted = Listing.objects.filter(priority=CRITICAL, tracked=True).values_list("instrument", flat=True).distinct()
    able = {row.pk for row in sources.runnable() if isinstance(sources.provider_of(row), QuoteSource)}
    groups: dict[tuple[int, str], list[Listing]] = defaultdict(list)
    chosen: set[int] = set()
    rows = Listing.objects.filter(instrument__in=wanted, tracked=True).select_related("instrument", "source")
    for listing in rows.order_by("priority", "source__polling_interval", "pk"):
        if listing.instrument_id not in chosen and listing.source_id in able:
            chosen.add(listing.instrument_id)
            groups[listing.source_id, market_of(listing)].append(listing)
    for listing in rows.filter(priority=CRITICAL).exclude(source__in=able):
        sync_status.mark([listing], SyncStatus.State.PENDING, *why_not(listing.source))
    return [(listings[0].source, listings) for listings in groups.values()]


def market_of(listing: Listing) -> str:
    """`C` of `C:EURUSD`: Polygon answers one market per call, so each fails alone."""
    head, colon, _ = listing.ticker.partition(":")
    return head if colon else ""


def why_not(source: Source) -> tuple[str, Message]:
    if not source.enabled and sources.wants_key(source):
        return "no_key", Message("has_no_key", source=source.code)
    if source.enabled:
        return "paused", Message("is_paused", source=source.code)
    return "off", Message("is_off", source=source.code)


def update(source: Source, listings: Sequence[Listing], result: BatchResult, elapsed: float = 0.0) -> None:
    """Update one group, `elapsed` seconds after the start of the batch; its failure does not stop the next group."""
    try:
        if elapsed > LAST_START:
            raise TimeoutError(Message("batch_late"))
        # No cool-down after it: the next group is another market of the same source, which may well answer.
        patience = max(0.0, PATIENCE - elapsed)
        done = price_collector.refresh_counted(source, listings, critical=True, patience=patience, rest=False)
    except Exception as error:
        logger.exception("The batch failed on %s", source.code)
        message = runs.scrub(f"{type(error).__name__}: {error}")
        done = price_collector.Result(failed={listing.instrument.code: message for listing in listings})
        sync_status.mark(listings, SyncStatus.State.FAILED, "error", message)
    result.add(done)
    result.priority_updated += done.updated
    result.priority_failed += faults(done.failed)
    for listing in listings:
        if listing.priority != CRITICAL and listing.instrument.code in done.updated:
            result.fallbacks[listing.instrument.code] = source.code


def fallback_sources(asked: Mapping[int, int], updated: Sequence[str]) -> dict[str, str]:
    """For each critical instrument without a new price: the best other source than `asked` with a fresh price or rate.

    `queries.prices` decides what is fresh, as in every answer.
    """
    rows = Listing.objects.filter(priority=CRITICAL, tracked=True).exclude(instrument__code__in=updated)
    waiting = set(rows.values_list("instrument", flat=True))
    found: dict[str, latest_prices.LatestPrice] = {}
    for source in sources.runnable() if waiting else ():
        others = {instrument for instrument in waiting if asked.get(instrument) != source.pk}
        for row in latest_prices.newest(Audience.OPERATOR, others, source).values():
            if not row.stale and row.rank < found.setdefault(row.code, row).rank:
                found[row.code] = row
    return {code: row.source for code, row in found.items()}
