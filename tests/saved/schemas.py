"""The tables of a database in words: on SQLite the statements that made them, on PostgreSQL what its catalog says."""

import re
from pathlib import Path

from django.db import connection

FOLDER = Path(__file__).parent / "schemas"

SQLITE = """
    SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
    ORDER BY tbl_name, type DESC, name
"""
COLUMNS = """
    SELECT relname || '.' || attname || ': ' || format_type(atttypid, atttypmod)
        || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
        || CASE WHEN attidentity <> '' THEN ' IDENTITY ' || attidentity::text ELSE '' END
        || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    ORDER BY relname COLLATE "C", attname COLLATE "C"
"""
# From PostgreSQL 18 on NOT NULL is a constraint as well ('n'); the columns say it already.
CONSTRAINTS = """
    SELECT conrelid::regclass || ' ' || conname || ': ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    ORDER BY conrelid::regclass::text COLLATE "C", conname COLLATE "C"
"""
INDEXES = """
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    ORDER BY tablename COLLATE "C", indexname COLLATE "C"
"""
TRIGGERS = """
    SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname COLLATE "C"
"""
OTHERS = """
    SELECT relkind::text || ' ' || relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'S', 'f') ORDER BY relname COLLATE "C"
"""


def file() -> Path:
    return FOLDER / f"{connection.vendor}.txt"


def schema() -> str:
    if connection.vendor == "sqlite":
        return "".join(f"{broken(sql)};\n\n" for sql in column(SQLITE))
    return "\n".join(
        "".join(f"{line}\n" for line in column(sql)) for sql in (COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS, OTHERS)
    )


def column(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [str(row[0]) for row in cursor.fetchall()]


def broken(sql: str) -> str:
    """One column a line."""
    return re.sub(r", (?=\"|CONSTRAINT)", ",\n    ", sql)
