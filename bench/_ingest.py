"""The measurements of bench/ingest.py, in a Django process on DATABASE_URL; prints one JSON object."""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import groupby

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from markets.jobs import runs  # noqa: E402
from markets.models import Rate, Source  # noqa: E402
from markets.records import Table  # noqa: E402
from markets.store.publish import publish  # noqa: E402
from miner.providers.nbp import NBP, parse_tables  # noqa: E402
from tests.replica import data  # noqa: E402

COUNT, ROUNDS, DAYS, CHUNK = 100_000, 5, 25, 5_000
WINDOW = timedelta(days=NBP.series[0].window)
ONE_DAY = 33

TABLE, POSTGRES = Rate._meta.db_table, connection.vendor == "postgresql"
TYPES = {
    "instrument_id": "bigint", "source_id": "bigint", "table": "text", "effective_date": "date", "mid": "numeric",
    "bid": "numeric", "ask": "numeric", "scale": "smallint", "publication_id": "bigint",
}  # fmt: skip
NAMES = ", ".join(f'"{name}"' for name in TYPES)
CHANGEABLE = ("mid", "bid", "ask", "scale", "publication_id")
UPSERT = (
    'ON CONFLICT (source_id, "table", effective_date, instrument_id) DO UPDATE SET '
    + ", ".join(f"{name} = excluded.{name}" for name in CHANGEABLE)
    + " WHERE "
    + " OR ".join(
        f"{TABLE}.{name} {'IS DISTINCT FROM' if POSTGRES else 'IS NOT'} excluded.{name}" for name in CHANGEABLE
    )
)
WRITTEN = ("markets_revision", "markets_ingest", "markets_quote", "markets_generation", TABLE, "markets_publication")

Rows = list[tuple[str | None, ...]]
Work = Callable[[], object]


def tables() -> list[Table]:
    """Table A from 2002 on, as the provider returns it: whole days, until there are enough rates."""
    found, rates = [], 0
    for year in range(data.FIRST_YEAR, data.last_day().year + 1):
        body = b"[" + b",".join(table.json for table in data.tables("A", year).values()) + b"]"
        for table in parse_tables(body, "A", "https://nbp.example/"):
            found.append(table)
            rates += len(table.rates)
            if rates >= COUNT:
                return found
    sys.exit("not enough rates")


def windows(days: Sequence[Table], together: int = 1) -> list[list[Table]]:
    """As the miner fetches them: 93 days at a time, or `together` times 93."""
    first, span = days[0].effective_date, together * WINDOW
    return [list(group) for _, group in groupby(days, lambda table: (table.effective_date - first) // span)]


def save(parts: Sequence[list[Table]]) -> None:
    source = Source.objects.get(code="nbp")
    with runs.job("nbp.A", source) as job:
        for part in parts:
            publish(part, source, job, windows=1)


def seconds(work: Work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def empty(*names: str) -> None:
    if POSTGRES:
        execute(f"TRUNCATE {', '.join(names)} CASCADE")
    else:
        execute(*(f"DELETE FROM {name}" for name in names), "PRAGMA wal_checkpoint(TRUNCATE)")


def stored(since: date = date.min) -> Rows:
    """The rows as text, in the order in which they were written."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {NAMES} FROM {TABLE} WHERE effective_date >= '{since}' ORDER BY id")
        return [tuple(None if value is None else str(value) for value in row) for row in cursor.fetchall()]


def prepared(rows: Rows) -> bytes:
    return "".join("\t".join("\\N" if value is None else value for value in row) + "\n" for row in rows).encode()


def copy(target: str, body: bytes) -> None:
    with connection.cursor() as cursor, cursor.cursor.copy(f"COPY {target} FROM STDIN") as stream:
        stream.write(body)


def raw_copy(rows: Rows) -> Work:
    """The upper limit: COPY of prepared bytes straight into the table."""
    body = prepared(rows)
    return transaction.atomic(lambda: copy(f"{TABLE} ({NAMES})", body))


def over_a_table(rows: Rows) -> Work:
    body, fields = prepared(rows), ", ".join(f'"{name}" {kind}' for name, kind in TYPES.items())

    def work() -> None:
        execute(f"CREATE TEMPORARY TABLE incoming ({fields}) ON COMMIT DROP")
        copy("incoming", body)
        execute(f"INSERT INTO {TABLE} ({NAMES}) SELECT * FROM incoming {UPSERT}")

    return transaction.atomic(work)


def as_arrays(rows: Rows) -> Work:
    parts = [[list(column) for column in zip(*rows[at : at + CHUNK], strict=True)] for at in range(0, len(rows), CHUNK)]
    arrays = ", ".join(f"%s::{kind}[]" for kind in TYPES.values())

    def work() -> None:
        with connection.cursor() as cursor:
            for part in parts:
                cursor.execute(f"INSERT INTO {TABLE} ({NAMES}) SELECT * FROM unnest({arrays}) {UPSERT}", part)

    return transaction.atomic(work)


def row_by_row(rows: Rows) -> Work:
    def work() -> None:
        with connection.cursor() as cursor:
            marks = ", ".join(["%s"] * len(TYPES))
            cursor.executemany(f"INSERT INTO {TABLE} ({NAMES}) VALUES ({marks}) {UPSERT}", rows)

    return transaction.atomic(work)


BARE = (
    {"new": raw_copy, "again": (over_a_table, as_arrays)} if POSTGRES else {"new": row_by_row, "again": (row_by_row,)}
)


def measure(days: list[Table]) -> dict[str, list[float]]:
    """The same rows in every way, in turn, so that a noisy minute hits all of them."""
    ways = {"by window": windows(days), "by eight": windows(days, 8), "at once": [days]}
    found: dict[str, list[float]] = defaultdict(list)
    save(ways["by window"])  # the instruments, and every statement once
    for _ in range(ROUNDS):
        for name, parts in ways.items():
            empty(*WRITTEN)
            found[f"new, {name}"].append(seconds(lambda parts=parts: save(parts)))
        rows = stored()
        empty(*WRITTEN[:-1])
        found["new, bare"].append(seconds(BARE["new"](rows)))
        for way in BARE["again"]:
            found[f"again, bare {way.__name__}"].append(seconds(way(rows)))
        for name, parts in ways.items():
            found[f"again, {name}"].append(seconds(lambda parts=parts: save(parts)))
    return found


def one_day(days: list[Table]) -> dict[str, list[float]]:
    """The tables of the following days, one by one; of the bare ways the faster one counts."""
    table, source = (
        next(table for table in reversed(days) if len(table.rates) >= ONE_DAY),
        Source.objects.get(code="nbp"),
    )
    found: dict[str, list[float]] = defaultdict(list)
    with runs.job("nbp.A", source) as job:
        for number in range(1, DAYS + 1):
            day = days[-1].effective_date + timedelta(days=number)
            new = Table("A", day, table.rates[:ONE_DAY], f"{number}/A", None, table.url, f"{number:064}")
            found["day"].append(seconds(lambda new=new: publish([new], source, job)))
            rows, removal = stored(day), f"DELETE FROM {TABLE} WHERE effective_date = '{day}'"
            for way in (row_by_row, *([as_arrays] if POSTGRES else [])):
                execute(removal)
                found[f"day, bare {way.__name__}"].append(seconds(way(rows)))
    return found


if __name__ == "__main__":
    days = tables()
    rates = sum(len(table.rates) for table in days)
    print(json.dumps({"figures": rates, "windows": len(windows(days)), **measure(days), **one_day(days)}))
