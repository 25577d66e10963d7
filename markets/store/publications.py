"""The proof beside the figures: one row a table and day."""

from dataclasses import dataclass, field
from datetime import date

from markets import clock
from markets.models import Job, Publication, Source
from markets.records import Table


@dataclass(slots=True)
class Proofs:
    """Publication ids by (table, day), the number and sha256 that each had before, and which came with other bytes."""

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
    rows = {(row.table, row.effective_date): row for row in stored(proved, source)}
    proofs = Proofs({}, {row.pk: (row.number, row.sha256) for row in rows.values()})
    new = []
    for table in proved:
        row = rows.get((table.table, table.effective_date))
        if row is None:
            row = Publication(source=source, table=table.table, effective_date=table.effective_date)
            rows[table.table, table.effective_date] = fill(row, table, job)
            new.append(row)
        elif row.sha256 != table.sha256:
            fill(row, table, job).save()
            proofs.changed[row.pk] = table
    Publication.objects.bulk_create(new)
    proofs.ids = {key: row.pk for key, row in rows.items()}
    return proofs


def stored(tables: list[Table], source: Source) -> list[Publication]:
    days = [table.effective_date for table in tables]
    letters = {table.table for table in tables}
    span = (min(days), max(days))
    return list(Publication.objects.filter(source=source, table__in=letters, effective_date__range=span))


def fill(row: Publication, table: Table, job: Job) -> Publication:
    row.number, row.trading_date, row.url, row.sha256 = table.number, table.trading_date, table.url, table.sha256
    row.fetched_at, row.job = clock.now(), job
    return row
