"""Between two writes of one long task: the turn of the other writers."""

import time

from django.db import connection

# SQLite's busy handler looks again every 0.1 s (sqlite3.c, sqliteDefaultBusyCallback).
BREATH_EVERY, BREATH = 1.0, 0.15


def yield_to_writers(last: float) -> float:
    """Let others write as well, once a second; answers when that was, of the monotonic clock.

    SQLite has no queue of writers. Those who wait look again every 0.1 s, and without this would find it locked by our
    next save each time until they give up after 20 s.
    """
    if connection.vendor != "sqlite" or time.monotonic() - last < BREATH_EVERY:
        return last
    time.sleep(BREATH)
    return time.monotonic()
