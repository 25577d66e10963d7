"""Hit and miss counters of the response cache: one log line a minute, and totals for /metrics."""

import logging
import random
import threading
import time
from collections import Counter

from django.conf import settings

from markets.redis import pubsub

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 60.0
SOURCE = "dashboard"


class CacheStats:
    """The totals since the process started, and the counts since the last log line."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.totals: Counter[tuple[str, str]] = Counter()
        self.begin()

    def begin(self) -> None:
        self.results: Counter[str] = Counter()
        self.writes = self.bytes = 0
        self.due = time.monotonic() + PERIOD_SECONDS


counts = CacheStats()


def totals() -> Counter[tuple[str, str]]:
    """The counts since the process started, by kind of answer and result (`hit` or `miss`)."""
    with counts.lock:
        return counts.totals.copy()


def count(kind: str, result: str) -> None:
    """Count one answer: `hit` came from the cache, `miss` was computed from the tables."""
    with counts.lock:
        counts.totals[kind, result] += 1
        counts.results[result] += 1
        if time.monotonic() < counts.due:
            return
        hits, total = counts.results["hit"], counts.results.total()
        writes, size = counts.writes, counts.bytes
        counts.begin()
    logger.info("cache: %d of %d answers from the cache (%d %%)", hits, total, 100 * hits // total)
    if writes:
        pubsub.note(pubsub.Entry("cache_write", "cache", SOURCE, f"answers={writes} bytes={size}", size))


def count_write(size: int) -> None:
    """Count one write to Redis; the message log gets one line a minute for all of them."""
    with counts.lock:
        counts.writes += 1
        counts.bytes += size


def sample_read(key: str, size: int) -> None:
    """Log a share of the reads (REDIS_LOG_READS): with all of them the message log would hold nothing else."""
    if settings.REDIS_LOG_READS and random.random() < settings.REDIS_LOG_READS:  # noqa: S311 - a sample, no secret
        pubsub.note(pubsub.Entry("cache_read", key, SOURCE, "hit" if size else "miss", size))
