"""How the cache does: a line in the log and one in the message log, a minute apart at least; the sums for /metrics."""

import logging
import random
import threading
import time
from collections import Counter

from django.conf import settings

from markets.redis import client as redis_client

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 60.0
SOURCE = "dashboard"


class CacheStats:
    """The sums since the start, and those since the last line."""

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
    """Since the start, by kind and result."""
    with counts.lock:
        return counts.totals.copy()


def count(kind: str, result: str) -> None:
    """One answer given: `hit` from the cache, `miss` from the tables."""
    with counts.lock:
        counts.totals[kind, result] += 1
        counts.results[result] += 1
        if time.monotonic() < counts.due:
            return
        hits, answers = counts.results["hit"], counts.results.total()
        writes, size = counts.writes, counts.bytes
        counts.begin()
    logger.info("cache: %d of %d answers from the cache (%d %%)", hits, answers, 100 * hits // answers)
    if writes:
        redis_client.note(redis_client.Entry("cache_write", "cache", SOURCE, f"answers={writes} bytes={size}", size))


def count_write(size: int) -> None:
    """One answer went to Redis: told of together with the others of its minute."""
    with counts.lock:
        counts.writes += 1
        counts.bytes += size


def sample_read(key: str, size: int) -> None:
    """REDIS_LOG_READS of the reads have a line of their own: of all of them, the log would hold nothing else."""
    if settings.REDIS_LOG_READS and random.random() < settings.REDIS_LOG_READS:  # noqa: S311 - a sample, no secret
        redis_client.note(redis_client.Entry("cache_read", key, SOURCE, "hit" if size else "miss", size))
