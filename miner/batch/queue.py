"""The priority queue of listings, in the database, so that it survives every process.

It holds each listing once. A worker claims an item for two minutes. The claim of a worker that dies expires, and no
other gets the item before.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Count, F, Min, Q, QuerySet

from markets import clock
from markets.jobs import runs
from markets.messages import Message
from markets.models import Listing, Source
from miner.models import QueueCounters, QueueItem

logger = logging.getLogger(__name__)

MAX_SIZE = 1000
MAX_RETRIES = 3
CLAIM_LENGTH = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Stats:
    size: int
    max_size: int
    by_priority: dict[str, int]
    oldest_age_seconds: float | None
    total_enqueued: int
    total_processed: int
    total_dropped: int


def enqueue(listing: Listing, priority: int | None = None) -> bool:
    """Add the listing; False when it is in the queue already (the more urgent priority wins) or the queue is full."""
    wanted = priority or listing.priority
    with transaction.atomic():
        counters = locked_counters()
        waiting = QueueItem.objects.filter(listing=listing)
        if waiting.exists():
            waiting.filter(priority__gt=wanted).update(priority=wanted)
            return False
        if size() >= MAX_SIZE:
            logger.warning("The queue is full (%d); %s was dropped", MAX_SIZE, listing.ticker)
            count(counters, dropped=1)
            return False
        QueueItem.objects.create(listing=listing, priority=wanted, enqueued_at=clock.now())
        count(counters, enqueued=1)
    return True


def dequeue(items: int = 1, at: Collection[Source] | None = None) -> list[QueueItem]:
    """Claim the next items, of the sources `at` only if given; no two workers get the same one."""
    now = clock.now()
    with transaction.atomic():
        waiting = free() if at is None else free().filter(listing__source__in=at)
        rows = list(waiting.select_for_update(skip_locked=True, of=("self",)).select_related("listing__source")[:items])
        QueueItem.objects.filter(pk__in=[row.pk for row in rows]).update(claimed_until=now + CLAIM_LENGTH)
    return rows


def free() -> QuerySet[QueueItem]:
    """A claim beyond its own length was made by a clock that was ahead, and is void."""
    now = clock.now()
    over = Q(claimed_until__lt=now) | Q(claimed_until__gt=now + CLAIM_LENGTH)
    return QueueItem.objects.filter(Q(claimed_until=None) | over)


def done(item: QueueItem) -> None:
    with transaction.atomic():
        counters = locked_counters()
        if QueueItem.objects.filter(pk=item.pk).delete()[0]:
            count(counters, processed=1)


def requeue(item: QueueItem, error: str) -> bool:
    """Put the item back, one priority lower; False when it is dropped after three retries."""
    text, message = runs.stored(Message.of(error))
    with transaction.atomic():
        counters = locked_counters()
        if item.retry_count >= MAX_RETRIES:
            QueueItem.objects.filter(pk=item.pk).delete()
            count(counters, dropped=1)
            logger.warning("%s failed %d times and was dropped: %s", item.listing.ticker, MAX_RETRIES + 1, error)
            return False
        QueueItem.objects.filter(pk=item.pk).update(
            priority=min(item.priority + 1, Listing.Priority.LOW),
            retry_count=F("retry_count") + 1,
            last_error=text,
            error_message=message,
            claimed_until=None,
            enqueued_at=clock.now(),
        )
    return True


def release(item: QueueItem) -> None:
    """End the claim; the item keeps its place, since no call was made (rate limit)."""
    QueueItem.objects.filter(pk=item.pk).update(claimed_until=None)


def peek() -> QueueItem | None:
    return free().select_related("listing").first()


def size() -> int:
    return QueueItem.objects.count()


def is_empty() -> bool:
    return not QueueItem.objects.exists()


def clear() -> int:
    return QueueItem.objects.all().delete()[0]


def stats() -> Stats:
    counters = QueueCounters.objects.filter(pk=1).first() or QueueCounters()
    rows = QueueItem.objects.values("priority").annotate(number=Count("pk"), oldest=Min("enqueued_at")).order_by()
    counts = {row["priority"]: row["number"] for row in rows}
    oldest = min((row["oldest"] for row in rows), default=None)
    return Stats(
        size=sum(counts.values()),
        max_size=MAX_SIZE,
        by_priority={level.name: counts.get(level.value, 0) for level in Listing.Priority},
        oldest_age_seconds=(clock.now() - oldest).total_seconds() if oldest else None,
        total_enqueued=counters.enqueued,
        total_processed=counters.processed,
        total_dropped=counters.dropped,
    )


def locked_counters() -> QueueCounters:
    """The row of totals, locked. The lock also serializes the checks for a full queue and for duplicates."""
    QueueCounters.objects.get_or_create(pk=1)
    return QueueCounters.objects.select_for_update().get(pk=1)


def count(counters: QueueCounters, **more: int) -> None:
    QueueCounters.objects.filter(pk=counters.pk).update(**{name: F(name) + number for name, number in more.items()})
