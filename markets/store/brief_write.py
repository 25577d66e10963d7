"""A write beside an answer: rather than wait for a lock it is given up."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

LOCK_MILLISECONDS = 100


@contextmanager
def brief_write() -> Iterator[CursorWrapper]:
    """A transaction that raises OperationalError when another holds the lock for a tenth of a second.

    Other writes wait 20 s on SQLite: an answer must not, for the sake of a counter.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with transaction.atomic():
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
                yield cursor
            return
        patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {LOCK_MILLISECONDS}")
        try:
            with transaction.atomic():
                yield cursor
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
