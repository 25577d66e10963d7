"""How long work shares the database with the other writers: how much it writes at once, and their turn after it."""

import time

from django.db import connection

# SQLite's busy handler looks again every 0.1 s (sqlite3.c, sqliteDefaultBusyCallback).
BREATH_EVERY, BREATH = 1.0, 0.15
# Rates of one transaction, half a second of writing: SQLite's lock keeps every other writer out meanwhile, PostgreSQL's
# only those of the same source and its archives.
MOST_RATES = {"sqlite": 25_000, "postgresql": 120_000}


def most_rates() -> int:
    """So many rates one transaction may hold; an answer that has more is not cut."""
    return MOST_RATES[connection.vendor]


def yield_to_writers(last: float) -> float:
    """Let others write as well, once a second; answers when that was, of the monotonic clock.

    SQLite has no queue of writers. Those who wait look again every 0.1 s, and without this would find it locked by our
    next save each time until they give up after 20 s.
    """
    if connection.vendor != "sqlite" or time.monotonic() - last < BREATH_EVERY:
        return last
    time.sleep(BREATH)
    return time.monotonic()
