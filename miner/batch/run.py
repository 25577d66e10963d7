"""The priority batch: critical instruments first, then the queue, all within the rate limit.

Each instrument is fetched from its most urgent source that is enabled and has a key. When that source gives no price,
the result names a fallback source whose stored price is fresh: Deribit for BTCUSD, the ECB's daily rate for EURUSD.
The failure of one instrument never stops the others.
"""

import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import F

from markets import clock
from markets.jobs import hourly, runs
from markets.licence import Audience
from markets.models import Job, Listing, Source
from markets.queries import latest_prices
from miner import sources
from miner.batch import queue as batch_queue
from miner.collect import prices as price_collector
from miner.fetch import rate_limit
from miner.fetch.errors import ProviderError, Unreachable
from miner.models import QueueItem, SyncStatus
from miner.providers import PROVIDERS
from miner.providers.base import QuoteSource

logger = logging.getLogger(__name__)

JOB = "batch.priority"
CRITICAL = Listing.Priority.CRITICAL
# In seconds. A task is killed after 60 s: its groups wait 20 s for the rate limit in all, and none begins after 40 s.
PATIENCE, LAST_START = 20.0, 40.0
MAX_ERRORS = 20


@dataclass(slots=True)
class BatchResult:
    """The result of one run, as `/batch/run` returns it; the duration is in the job."""

    batch_id: str
    priority_updated: list[str] = field(default_factory=list)
    priority_failed: list[str] = field(default_factory=list)
    queue_processed: int = 0
    queue_remaining: int = 0
    api_calls_used: int = 0
    rate_limit_waits: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    # By instrument without a new price from its first source: another source that has a fresh one.
    fallbacks: dict[str, str] = field(default_factory=dict)

    def add(self, result: price_collector.Result) -> None:
        self.api_calls_used += result.calls
        self.rate_limit_waits += result.waits
        failures = [{"symbol": code, "error": message} for code, message in result.failed.items()]
        self.errors = (self.errors + failures)[:MAX_ERRORS]


def new_id() -> str:
    return uuid.uuid4().hex[:12]


def run(batch_id: str = "", trigger: str = Job.Trigger.SCHEDULE) -> BatchResult | None:
    """Update every critical instrument; None when a batch is running already.

    The Job row holds the result. A batch whose id a client knows already has a row in any case.
    """
    result = BatchResult(batch_id or new_id())
    try:
        with runs.job(JOB, trigger=trigger) as job:
            logger.info("Batch %s begins", result.batch_id)
            started = time.monotonic()
            keep(job, result)
            groups = critical()
            for source, listings in groups:
                update(source, listings, result, time.monotonic() - started)
            asked = {listing.instrument_id: source.pk for source, listings in groups for listing in listings}
            result.fallbacks |= fallback_sources(asked, result.priority_updated)
            result.queue_remaining = batch_queue.size()
            keep(job, result)
            logger.info(
                "Batch %s ended after %.1f s: %d updated, %d failed, %d calls",
                result.batch_id,
                time.monotonic() - started,
                len(result.priority_updated),
                len(result.priority_failed),
                result.api_calls_used,
            )
    except runs.Busy:
        logger.warning("A batch is already running")
        if batch_id:
            record_skipped(result, trigger)
        return None
    return result


def record_skipped(result: BatchResult, trigger: str) -> None:
    """Record a batch whose id was given to a client, but which did not run, since another one was running."""
    now = clock.now()
    Job.objects.create(
        job_type=JOB,
        status=Job.Status.SKIPPED,
        trigger=trigger,
        started_at=now,
        finished_at=now,
        error="another batch was running",
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
        price_collector.mark([listing], SyncStatus.State.PENDING, *why_not(listing.source))
    return [(listings[0].source, listings) for listings in groups.values()]


def market_of(listing: Listing) -> str:
    """`C` of `C:EURUSD`: Polygon answers one market per call, so each fails alone."""
    head, colon, _ = listing.ticker.partition(":")
    return head if colon else ""


def why_not(source: Source) -> tuple[str, str]:
    if not source.enabled and sources.wants_key(source):
        return "no_key", f"{source.code} has no key"
    return ("paused", f"{source.code} is paused") if source.enabled else ("off", f"{source.code} is switched off")


def update(source: Source, listings: Sequence[Listing], result: BatchResult, elapsed: float = 0.0) -> None:
    """Update one group, `elapsed` seconds after the start of the batch; its failure does not stop the next group."""
    try:
        if elapsed > LAST_START:
            raise TimeoutError("the batch has no time left for it")
        # No cool-down after it: the next group is another market of the same source, which may well answer.
        done = ask(source, listings, critical=True, patience=max(0.0, PATIENCE - elapsed), rest=False)
    except Exception as error:
        logger.exception("The batch failed on %s", source.code)
        message = runs.scrub(f"{type(error).__name__}: {error}")
        done = price_collector.Result(failed={listing.instrument.code: message for listing in listings})
        price_collector.mark(listings, SyncStatus.State.FAILED, "error", message)
    result.add(done)
    result.priority_updated += done.updated
    result.priority_failed += done.failed
    for listing in listings:
        if listing.priority != CRITICAL and listing.instrument.code in done.updated:
            result.fallbacks[listing.instrument.code] = source.code


def ask(source: Source, listings: Sequence[Listing], **how: Any) -> price_collector.Result:
    """One call, counted in the source's hourly Job row as the polls are."""
    done = None
    try:
        with hourly.poll(f"{source.code}.quotes", source) as count:
            done = price_collector.refresh(source, listings, **how)
            price_collector.count_result(done, count)
            if done.error is not None:
                raise done.error
    except ProviderError:
        if done is None:
            raise
    return done


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


def enqueue_secondary() -> int:
    """Put the tracked, not critical listings of low-quota sources into the queue; returns how many were added."""
    rows = Listing.objects.filter(tracked=True, priority__gt=CRITICAL, source__in=batched()).order_by("priority", "pk")
    return sum(batch_queue.enqueue(listing) for listing in rows.select_related("instrument"))


def batched() -> list[Source]:
    """The low-quota sources: so few calls are allowed that their instruments are fetched in rotation."""
    return [row for row in sources.runnable() if PROVIDERS[row.code].rotating]


def process_queue(most: int | None = None) -> BatchResult:
    """Process the next items as far as the rate limit allows, without the calls reserved for critical instruments.

    Items of a source that is disabled, paused or cooling down keep their places and do not block those of others.
    """
    result = BatchResult(new_id())
    able = [source for source in sources.runnable() if not rate_limit.is_cooling_down(source)]
    items = batch_queue.dequeue(most or settings.BATCH_QUEUE_MAX_ITEMS, able)
    for source, group in by_source(items).items():
        serve(source, group, result)
    result.queue_remaining = batch_queue.size()
    return result


def by_source(items: Iterable[QueueItem]) -> dict[Source, list[QueueItem]]:
    groups: dict[Source, list[QueueItem]] = defaultdict(list)
    for item in items:
        groups[item.listing.source].append(item)
    return groups


def serve(source: Source, items: Sequence[QueueItem], result: BatchResult) -> None:
    """Process the items until the source allows no more; the others keep their places."""
    over = False
    for item in items:
        if not item.listing.tracked:
            batch_queue.done(item)
        elif over:
            batch_queue.release(item)
        else:
            over = not serve_one(source, item, result)


def serve_one(source: Source, item: QueueItem, result: BatchResult) -> bool:
    """Process one item; False when the rate limit or the network stops further calls to this source in this run."""
    limit = sources.allowance_of(source)
    cost = sources.quote_source_of(source).cost([item.listing.ticker])
    if rate_limit.is_cooling_down(source) or rate_limit.used_up(source, limit, cost):
        batch_queue.release(item)
        return False
    # No cool-down after it: that would stop the next batch from fetching the critical instruments.
    done = ask(source, [item.listing], rest=False)
    result.add(done)
    if isinstance(done.error, rate_limit.Exhausted):
        batch_queue.release(item)
        return False
    if done.updated:
        batch_queue.done(item)
        result.queue_processed += 1
    else:
        batch_queue.requeue(item, next(iter(done.failed.values()), "No data"))
    return not isinstance(done.error, Unreachable)


def status() -> dict[str, Any]:
    """The newest batch, and the state of each critical instrument."""
    last = Job.objects.filter(job_type=JOB).order_by("-started_at", "-pk").first()
    return {
        "batch_id": (last.details.get("batch_id") if last else None) or None,
        "status": last.status if last else "pending",
        "last_run": last.started_at if last else None,
        "result": result_of(last) if last else None,
        "queue_size": batch_queue.size(),
        "priority_assets": priority_assets(),
    }


def result_of(job: Job) -> dict[str, Any]:
    """All fields of a BatchResult, read from its job."""
    details = {name: job.details.get(name) for name in BatchResult.__dataclass_fields__}
    seconds = job.duration_seconds
    return details | {
        "job_id": job.pk,
        "started_at": job.started_at,
        "completed_at": job.finished_at,
        "duration_ms": None if seconds is None else round(seconds * 1000),
    }


def priority_assets() -> list[dict[str, Any]]:
    rows = SyncStatus.objects.filter(listing__priority=CRITICAL, listing__tracked=True).annotate(
        symbol=F("listing__instrument__code"),
        source=F("listing__source__code"),
        interval=F("listing__source__polling_interval"),
    )
    return [
        {
            "symbol": row.symbol,
            "source": row.source,
            "status": price_collector.state_of(row, row.interval),
            "reason": row.reason or None,
            "last_success_at": row.last_success_at,
        }
        for row in rows.order_by("symbol", "source")
    ]
