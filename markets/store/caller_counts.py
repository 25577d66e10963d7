"""What callers have asked, counted in rows where there is no Redis."""

import logging

from django.db import Error

from markets.models import CallerCount
from markets.store.brief_write import brief_write

logger = logging.getLogger(__name__)

# One statement: two processes that count the same caller at once lose nothing.
TABLE = CallerCount._meta.db_table
COUNT = f"""
INSERT INTO {TABLE} ("caller", "until", "count") VALUES (%s, %s, %s)
ON CONFLICT ("until", "caller") DO UPDATE SET "count" = {TABLE}."count" + EXCLUDED."count" RETURNING "count"
"""


def add(caller: str, until: int, amount: int) -> int | None:
    """The count of the caller in the window that ends at `until`; None when the database cannot take it at once.

    The first count of a caller deletes the rows of windows that are over.
    """
    try:
        with brief_write() as cursor:
            cursor.execute(COUNT, [caller, until, amount])
            (count,) = cursor.fetchone()
            if count == amount:
                CallerCount.objects.filter(until__lt=until).delete()
    except Error as error:
        # A busy SQLite does this to one question after the other: one line an hour.
        words = "The database takes no count of a caller, this process counts alone: %s"
        logger.warning(words, type(error).__name__, extra={"cause": "callers uncounted"})
        return None
    return int(count)
