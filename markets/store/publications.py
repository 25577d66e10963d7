"""The writer of publications: one row per table and day, the proof behind its rates."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from markets import clock
from markets.models import Job, Publication, Source
from markets.records import Table
from markets.store import bulk, copying

KEY = {"source_id": "bigint", "table": "text", "effective_date": "date"}
FACTS = {
    "number": "text",
    "trading_date": "date",
    "url": "text",
    "sha256": "text",
    "fetched_at": "timestamptz",
    "job_id": "bigint",
}
# Written once: a correction must not move the moment since which a figure of that day was known.
FIRST = {"first_fetched_at": "timestamptz"}
FETCHED_AT = list(FACTS).index("fetched_at")
RETURNING = 'id, "table", CAST(effective_date AS text)'


class Proof(NamedTuple):
    id: int
    number: str
    sha256: str


@dataclass(slots=True)
class Proofs:
    """The ids of publications by (table, day), their earlier number and sha256, and the tables whose bytes changed."""

    ids: dict[tuple[str, date], int]
    before: dict[int, tuple[str, str]]
    changed: dict[int, Table] = field(default_factory=dict)

    def of(self, table: Table) -> int | None:
        return self.ids.get((table.table, table.effective_date))


def save(tables: list[Table], source: Source, job: Job) -> Proofs:
    """Store the publications of tables. One that was published again with other bytes keeps its row and is updated."""
    proved = [table for table in tables if table.sha256]
    if not proved:
        return Proofs({}, {})
    rows = stored(proved, source)
    proofs = Proofs({}, {row.id: (row.number, row.sha256) for row in rows.values()})
    new = []
    for table in proved:
        row = rows.get((table.table, table.effective_date))
        if row is None:
            values = facts(table, job)
            new.append((source.pk, table.table, table.effective_date.isoformat(), *values, values[FETCHED_AT]))
        elif row.sha256 != table.sha256:
            copying.update(Publication._meta.db_table, FACTS, [(*facts(table, job), row.id)])
            proofs.changed[row.id] = table
    proofs.ids = {place: row.id for place, row in rows.items()}
    created = bulk.insert_returning(Publication._meta.db_table, KEY | FACTS | FIRST, new, RETURNING)
    proofs.ids |= {(letter, date.fromisoformat(day)): pk for pk, letter, day in created}
    return proofs


def stored(tables: list[Table], source: Source) -> dict[tuple[str, date], Proof]:
    days = [table.effective_date for table in tables]
    letters = {table.table for table in tables}
    rows = Publication.objects.filter(
        source=source, table__in=letters, effective_date__range=(min(days), max(days))
    ).order_by()
    found = rows.values_list("table", "effective_date", *Proof._fields)
    return {(letter, day): Proof(*proof) for letter, day, *proof in found}


def facts(table: Table, job: Job) -> tuple[Any, ...]:
    """The values of the columns FACTS, as the database stores them."""
    trading_day = table.trading_date and table.trading_date.isoformat()
    return table.number, trading_day, table.url, table.sha256, bulk.moment(clock.now()), job.pk
