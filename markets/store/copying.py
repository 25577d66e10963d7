"""Bulk writes of rows that are known to be new or changed, by COPY on PostgreSQL.

PostgreSQL takes new rows by COPY straight into their table. That was the fastest way for one row as for 100,000: a
temporary table and INSERT ... ON CONFLICT took twice as long for one day's table and a quarter longer for 100,000. The
rows must be new, which the caller ensures under its lock; if another writer was faster, the COPY fails as a whole with
IntegrityError, and the caller compares again. Changed rows go through a temporary table and one UPDATE, or through
arrays if they are few, since a temporary table costs two milliseconds. On SQLite executemany is fastest.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from django.db import connection

from markets.store.bulk import quoted

Rows = Sequence[tuple[Any, ...]]
# Fewer rows than this cost less as arrays than in a temporary table.
MIN_TEMPORARY_ROWS = 500


def insert(table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert new rows. Values are text, numbers or None, which both databases store exactly.

    Rows that are still being made go out as they come, so that PostgreSQL writes the first ones meanwhile; what makes
    them may not use the connection.
    """
    found = iter(rows)
    first = next(found, None)
    if first is None:
        return
    names = quoted(columns)
    every: Any = chain([first], found)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            copy(cursor, f"{table} ({names})", every)
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", every)  # nosec B608


def update(table: str, columns: Mapping[str, str], rows: Rows) -> None:
    """Update rows by id. `columns`: PostgreSQL type by name; a row holds the values of the columns and then the id."""
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            update_at_once(cursor, table, {**columns, "id": "bigint"}, rows)
        else:
            assignments = ", ".join(f'"{name}" = %s' for name in columns)
            cursor.executemany(f"UPDATE {table} SET {assignments} WHERE id = %s", rows)  # nosec B608


def update_at_once(cursor: Any, table: str, columns: Mapping[str, str], rows: Rows) -> None:
    assignments = ", ".join(f'"{name}" = changed."{name}"' for name in columns if name != "id")
    statement = f"UPDATE {table} SET {assignments} FROM %s WHERE {table}.id = changed.id"
    if len(rows) < MIN_TEMPORARY_ROWS:
        arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        values = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(statement % f"unnest({arrays}) AS changed ({quoted(columns)})", values)
        return
    fields = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    cursor.execute(f"CREATE TEMPORARY TABLE changed ({fields}) ON COMMIT DROP")
    copy(cursor, "changed", rows)
    cursor.execute(statement % "changed")
    cursor.execute("DROP TABLE changed")  # the same transaction may write another batch


def copy(cursor: Any, target: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """psycopg's COPY through Django's cursor, with Django's exceptions."""
    with connection.wrap_database_errors, cursor.cursor.copy(f"COPY {target} FROM STDIN") as stream:
        for row in rows:
            stream.write_row(row)
