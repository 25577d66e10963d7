"""Hit and miss counters of the response cache: one log line a minute and process, and totals for /metrics."""

import logging
import random
import threading
import time
from collections import Counter

from django.conf import settings
from prometheus_client import Counter as Metric

from markets.redis import pubsub

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 60.0
SOURCE = "dashboard"
# Of all workers together: prometheus_client adds up what each of them counts.
ANSWERS = Metric(
    "charon_cache_requests", "Answers that may be kept: from the cache (hit) or computed (miss).", ["kind", "result"]
)


class CacheStats:
    """The counts since the last log line."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        self.results: Counter[str] = Counter()
        self.writes = self.bytes = 0
        self.due = time.monotonic() + PERIOD_SECONDS


counts = CacheStats()


def count(kind: str, result: str) -> None:
    """Count one answer: `hit` came from the cache, `miss` was computed from the tables."""
    ANSWERS.labels(kind, result).inc()
    with counts.lock:
        counts.results[result] += 1
        if time.monotonic() < counts.due:
            return
        hits, total = counts.results["hit"], counts.results.total()
        writes, size = counts.writes, counts.bytes
        counts.begin()
    logger.info("cache: %d of %d answers from the cache (%d %%)", hits, total, 100 * hits // total)
    if writes:
        pubsub.note(pubsub.Entry("cache_write", "cache", SOURCE, f"answers={writes} bytes={size}", size))


def count_write(key: str, size: int, seconds: int) -> None:
    """Log one write to Redis with its lifetime, or count it: then the log gets one line a minute for all of them."""
    if pubsub.logs("keys"):
        pubsub.note(pubsub.Entry("cache_write", key, SOURCE, f"ttl={seconds}", size))
        return
    with counts.lock:
        counts.writes += 1
        counts.bytes += size


def log_read(key: str, size: int) -> None:
    """Log each read, or a share of them (REDIS_LOG_READS): with all of them the message log holds little else."""
    if pubsub.logs("reads") or random.random() < settings.REDIS_LOG_READS:  # noqa: S311 - a sample, no secret
        pubsub.note(pubsub.Entry("cache_read", key, SOURCE, "hit" if size else "miss", size))
