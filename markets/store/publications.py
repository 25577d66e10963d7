"""The proof beside the figures: one row a table and day."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from markets import clock
from markets.models import Job, Publication, Source
from markets.records import Table
from markets.store import bulk, copying

PLACE = {"source_id": "bigint", "table": "text", "effective_date": "date"}
FACTS = {
    "number": "text",
    "trading_date": "date",
    "url": "text",
    "sha256": "text",
    "fetched_at": "timestamptz",
    "job_id": "bigint",
}
TOLD = 'id, "table", CAST(effective_date AS text)'


class Proof(NamedTuple):
    id: int
    number: str
    sha256: str


@dataclass(slots=True)
class Proofs:
    """Publications by (table, day), the number and sha256 that each had before, and which came with other bytes."""

    ids: dict[tuple[str, date], int]
    before: dict[int, tuple[str, str]]
    changed: dict[int, Table] = field(default_factory=dict)

    def of(self, table: Table) -> int | None:
        return self.ids.get((table.table, table.effective_date))


def save(tables: list[Table], source: Source, job: Job) -> Proofs:
    """A table that was published again with other bytes keeps its row and gets the new number and proof."""
    proved = [table for table in tables if table.sha256]
    if not proved:
        return Proofs({}, {})
    rows = stored(proved, source)
    proofs = Proofs({}, {row.id: (row.number, row.sha256) for row in rows.values()})
    new = []
    for table in proved:
        row = rows.get((table.table, table.effective_date))
        if row is None:
            new.append((source.pk, table.table, table.effective_date.isoformat(), *facts(table, job)))
        elif row.sha256 != table.sha256:
            copying.update(Publication._meta.db_table, FACTS, [(*facts(table, job), row.id)])
            proofs.changed[row.id] = table
    proofs.ids = {place: row.id for place, row in rows.items()}
    told = bulk.insert_telling(Publication._meta.db_table, PLACE | FACTS, new, TOLD)
    proofs.ids |= {(letter, date.fromisoformat(day)): pk for pk, letter, day in told}
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
    """As the database takes them, in the order of FACTS."""
    trading_day = table.trading_date and table.trading_date.isoformat()
    return table.number, trading_day, table.url, table.sha256, bulk.moment(clock.now()), job.pk
