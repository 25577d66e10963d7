"""The planner's statistics of what a big load has filled: PostgreSQL makes its own up to a minute later."""

import logging

from django.db import DatabaseError, InterfaceError, connection, transaction

from markets.errors import log_cause
from markets.models import Publication, Rate

logger = logging.getLogger(__name__)

# A load of fewer rates leaves the plans of an empty table good enough for the minute.
MANY = 50_000
# A quarter of PostgreSQL's own sample, and the columns that questions name: a seventh of the time, 35 ms for 230. Where
# columns are named, the server's own analysis comes as it would have come (`analyze.c`, resetcounter).
TARGET = 25
COLUMNS = {
    Rate._meta.db_table: 'instrument_id, source_id, "table", effective_date',
    Publication._meta.db_table: 'source_id, "table", effective_date',
}


def refresh(rows: int) -> None:
    """After a load of so many rates. Until then the planner takes the tables for nearly empty, and what explains a day
    takes it many times as long. A failure costs nothing but that.
    """
    if rows < MANY or connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL default_statistics_target = {TARGET}")
            for table, columns in COLUMNS.items():
                cursor.execute(f"ANALYZE (SKIP_LOCKED) {table} ({columns})")
    except (DatabaseError, InterfaceError) as error:
        logger.warning("There are no statistics yet of what was loaded", exc_info=error, extra=log_cause(error))
