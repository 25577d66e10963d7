"""The stamps that say whether a cached answer is valid, and their change with the data of an instrument."""

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from markets.models import Alias, Generation, Instrument
from markets.redis import client as redis_client

# The scope of an answer about several instruments: it expires as soon as any of them changes. No code looks like this.
ANY = "*"
TABLE = Generation._meta.db_table
RAISE = f"ON CONFLICT (instrument_id) DO UPDATE SET number = {TABLE}.number + 1"
NUMBER = (
    f"SELECT {TABLE}.number FROM {TABLE} JOIN {Instrument._meta.db_table} instrument "
    f"ON instrument.id = {TABLE}.instrument_id WHERE instrument.code = %s"
)
SUM = f"SELECT COALESCE(SUM(number), 0) FROM {TABLE}"


def changed(instruments: Collection[int]) -> None:
    """Invalidate the answers about these instruments. Call it last in the transaction that changes their data."""
    ids = sorted(set(instruments))  # all writers lock the rows in this order: no deadlock
    if not ids:
        return
    with connection.cursor() as cursor:
        rows = ", ".join(["(%s, 1)"] * len(ids))
        cursor.execute(f"INSERT INTO {TABLE} (instrument_id, number) VALUES {rows} {RAISE}", ids)  # nosec B608
    if settings.REDIS_URL:
        codes = list(Instrument.objects.filter(pk__in=ids).values_list("code", flat=True))
        transaction.on_commit(lambda: remove_stamps(codes), robust=True)


def everything_changed(**_: object) -> None:
    """Invalidate every answer: an operator changed a source or a name, which any answer may depend on."""
    with transaction.atomic():
        changed(Instrument.objects.values_list("pk", flat=True))


def alias_gone(origin: Any = None, **_: object) -> None:
    """Like everything_changed. One that goes with its instrument is told of afterwards: a row of a generation that is
    written meanwhile would outlive its instrument, which no database takes.
    """
    is_alone = isinstance(origin, Alias) or getattr(origin, "model", None) is Alias
    if is_alone:
        everything_changed()
    else:
        transaction.on_commit(everything_changed, robust=True)


def remove_stamps(codes: list[str]) -> None:
    """Delete the stamps in Redis. A deletion may come twice or late, and even a full Redis accepts it."""
    names = [stamp_name(scope) for scope in (*codes, ANY)]
    redis_client.ask(lambda client: client.delete(*names), None)


def stamp_name(scope: str) -> str:
    return redis_client.name(f"cache:generation:{scope}")


def number_of(scope: str) -> bytes:
    """The generation of an instrument, or the sum of all, as a stamp; it must be read before the values are."""
    with connection.cursor() as cursor:
        if scope == ANY:
            cursor.execute(SUM)
        else:
            cursor.execute(NUMBER, [scope])
        row = cursor.fetchone()
    return stamp_of(row[0] if row else 0)


def stamp_of(number: int) -> bytes:
    return b"%d" % number
