"""What `sources.sync()` writes into empty tables, kept from one test to the next: 500 rows, 40 ms of every test."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.color import no_style
from django.db import connection, models
from django.db.models.sql import InsertQuery
from django_q.models import Schedule

from markets import clock
from markets.models import Alias, Generation, Instrument, Listing, Source
from miner import schedule, sources
from miner.providers import PROVIDERS

# In the order of their references. The schedules are not among them: they depend on the clock.
TABLES: tuple[type[models.Model], ...] = (Instrument, Generation, Alias, Source, Listing)
NAMES = (
    "SOURCES", "ASSETS", "DERIBIT_INDEXES", "BINANCE_SYMBOLS", "MINER_QUEUE", "COINGECKO_API_KEY", "POLYGON_API_KEY",
    "FETCH_INTERVAL_SECONDS", "FETCH_INTERVAL", "MARKET_REFRESH_SECONDS", "BATCH_INTERVAL_MINUTES", "REFRESH_SECONDS",
)  # fmt: skip


def choices() -> list[Any]:
    return [getattr(settings, name) for name in NAMES]


OF_THE_RUN = choices()
Statement = tuple[str, tuple[Any, ...]]
kept: list[Statement] = []
# By the minute and by what reads the sources: the grids and the cron lines of all entries move by whole minutes.
timetables: dict[tuple[datetime, tuple[Any, ...]], list[Statement]] = {}


def sync() -> None:
    """As `sources.sync()`; a test that has settings or rows of its own gets the real one."""
    plain = choices() == OF_THE_RUN and not Source.objects.exists() and not Instrument.objects.exists()
    if plain and kept:
        put_back()
        return
    sources.sync()
    if plain:
        kept.extend(statement for table in TABLES for statement in inserts(table, table._default_manager.all()))


def inserts(table: type[models.Model], rows: Iterable[models.Model], with_keys: bool = True) -> list[Statement]:
    """That bring these rows of a table again."""
    query = InsertQuery(table)
    fields = [field for field in table._meta.concrete_fields if with_keys or not field.primary_key]
    query.insert_values(fields, list(rows), raw=True)
    return list(query.get_compiler(connection=connection).as_sql())


def put_back() -> None:
    with connection.cursor() as cursor:
        for sql, values in kept:
            cursor.execute(sql, values)
        # A test may have made the tables anew (test_upgrade): their sequences begin at 1 then, below these keys.
        for sql in connection.ops.sequence_reset_sql(no_style(), TABLES):
            cursor.execute(sql)
        for sql, values in timetable():
            cursor.execute(sql, values)


def timetable() -> list[Statement]:
    """That bring the schedules of all sources; to make and to check them costs five times as much."""
    readers = tuple((code, provider, provider.series) for code, provider in PROVIDERS.items())
    of = clock.now().replace(second=0, microsecond=0), readers
    if of not in timetables:
        entries = [entry for row in Source.objects.order_by("pk") for entry in schedule.timetable(row)]
        timetables[of] = inserts(Schedule, entries, with_keys=False)
    return timetables[of]
