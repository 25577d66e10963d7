"""The stored rates of a source and its archives, read for the comparison with new ones."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, models
from django.db.models.functions import Cast

from markets.models import Rate, Source
from markets.models.querysets import MID_TABLES
from markets.records import RateRecord, Table


class StoredRate(NamedTuple):
    """A row as it stands, with what a comparison needs."""

    id: int
    instrument_id: int
    day: str
    source_id: int
    table: str
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    scale: int
    publication_id: int | None

    def says(self, rate: RateRecord) -> bool:
        return self.mid == rate.mid and self.bid == rate.bid and self.ask == rate.ask


class ExistingRows:
    """The rows of these days that the family (an official source and its archives) already has.

    An archive has no letters of its own, so its rows stand under "mid": by instrument and day alone.
    """

    def __init__(self, source: Source, source_group: set[int], tables: Sequence[Table]) -> None:
        self.official = source.fallback_for_id
        self.fallbacks = source_group - {self.official or source.pk}
        self.rows: dict[tuple[str, str], dict[int, StoredRate]] = defaultdict(dict)
        letters = {table.table for table in tables}
        days = [table.effective_date for table in tables]
        span = (min(days), max(days))
        own = set(MID_TABLES) if self.official and letters & set(MID_TABLES) else letters
        rows = [Rate.objects.filter(source=source, table__in=own, effective_date__range=span)]
        others = source_group - {source.pk}
        if others and letters & set(MID_TABLES):
            rows.append(Rate.objects.filter(source__in=others, table__in=MID_TABLES, effective_date__range=span))
        for row in fetched(rows):
            place = "mid" if self.official or row.source_id in self.fallbacks else row.table
            self.rows[place, row.day][row.instrument_id] = row

    def of(self, table: Table) -> tuple[dict[int, StoredRate], dict[int, StoredRate]]:
        """Our own rows of that table and day by instrument, and an archive's rows of that day."""
        day = table.effective_date.isoformat()
        return self.rows[table.table, day], self.rows["mid", day] if table.table in MID_TABLES else {}


def fetched(questions: Iterable[models.QuerySet[Rate]]) -> Iterator[StoredRate]:
    """Past the converters of SQLite, for dates and decimals, which cost more than all the rest of a comparison."""
    dated = [rows.annotate(day=Cast("effective_date", models.TextField())) for rows in questions]
    parts = [rows.values_list(*StoredRate._fields).query.sql_with_params() for rows in dated]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(sql for sql, _ in parts), [value for _, values in parts for value in values])
        found = cursor.fetchall()
    if connection.vendor == "postgresql":
        return map(StoredRate._make, found)
    return (
        StoredRate(pk, instrument, day, source, table, exact(mid), exact(bid), exact(ask), scale, publication)
        for pk, instrument, day, source, table, mid, bid, ask, scale, publication in found
    )


def exact(value: float | None) -> Decimal | None:
    """The rate that was put in: it had at most 15 digits. The shortest text of the REAL is not always it.

    SQLite 3.40 itself reads one number of 8,000 a last bit too high or too low: 0.002877 as 0.0028770000000000002.
    """
    return None if value is None else Decimal(f"{value:.15g}")
