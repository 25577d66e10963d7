"""Serving the queue: the instruments of low-quota sources in rotation, within the rate limit."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.conf import settings

from markets.models import Listing, Source
from miner import sources
from miner.batch import queue as batch_queue
from miner.batch.result import BatchResult, new_id
from miner.collect import prices as price_collector
from miner.fetch import cooldown, rate_limit
from miner.fetch.errors import Unreachable
from miner.models import QueueItem
from miner.providers import PROVIDERS

CRITICAL = Listing.Priority.CRITICAL


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
    able = [source for source in sources.runnable() if not cooldown.is_cooling_down(source)]
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
    if cooldown.is_cooling_down(source) or rate_limit.used_up(source, limit, cost):
        batch_queue.release(item)
        return False
    # No cool-down after it: that would stop the next batch from fetching the critical instruments.
    done = price_collector.refresh_counted(source, [item.listing], rest=False)
    result.add(done)
    if isinstance(done.error, rate_limit.Exhausted):
        batch_queue.release(item)
        return False
    if done.updated:
        batch_queue.done(item)
        result.queue_processed += 1
    else:
        batch_queue.requeue(item, next(iter(done.failed.values()), price_collector.NO_DATA))
    return not isinstance(done.error, Unreachable)
