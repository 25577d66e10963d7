"""Many rows in one statement, exact on both databases."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

# Rows of one statement of PostgreSQL: arrays of that length cost least.
CHUNK = 5_000


def insert(table: str, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]], conflict: str) -> int:
    """Insert with that ON CONFLICT clause; `columns` are names with PostgreSQL's types. Answers the rows written.

    Arrays are 2.5 times faster than executemany on PostgreSQL; SQLite knows none and is fast without.
    """
    if not rows:
        return 0
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks}) {conflict}", rows)
            return int(cursor.rowcount)
        arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        statement = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {conflict}"
        written = 0
        for first in range(0, len(rows), CHUNK):
            cursor.execute(statement, [list(column) for column in zip(*rows[first : first + CHUNK], strict=True)])
            written += cursor.rowcount
        return written


def digits(value: Decimal | None) -> str | None:
    """As text: exact on both databases."""
    return None if value is None else f"{value:f}"


def moment(value: datetime) -> Any:
    """As the database compares it."""
    return connection.ops.adapt_datetimefield_value(value)
