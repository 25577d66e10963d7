"""What a process remembers from one answer to the next, forgotten between tests and between the cases of one."""

from django.core.cache import caches
from django.utils import translation

from charon.api import fast_path, limits
from markets.history_files import index
from markets.jobs import redact
from markets.redis import cache_stats, memory_cache
from markets.redis import client as redis_client
from signals.alerts.windows import memory as alert_windows


def forget() -> None:
    caches["default"].clear()
    redis_client.forget()
    memory_cache.memory.forget()
    cache_stats.counts.begin()
    fast_path.asked.forget()
    redact.key_settings.cache_clear()  # a test may have a key of its own
    limits.counts.forget()
    index.counted.cache_clear()
    alert_windows.forget()
    translation.deactivate()  # an English page leaves its language to the thread
