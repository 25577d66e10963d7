"""The writer of quotes: newest and previous mid of each instrument, so that overviews are cheap."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from markets import clock
from markets.models import Quote, Rate
from markets.store import bulk

# The rows of two days in a source group: a day may have tables A and B, official and from the archive.
NEWEST_ROWS = 6

TABLE = Quote._meta.db_table
COLUMNS = {
    "instrument_id": "bigint",
    "source_id": "bigint",
    "effective_date": "date",
    "table": "text",
    "price": "numeric",
    "scale": "smallint",
    "previous_date": "date",
    "previous": "numeric",
    "previous_scale": "smallint",
    "observed_at": "timestamptz",
    "end_of_day": "boolean",
}
KEY = ("instrument_id", "source_id")
REPLACE = f"ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET " + ", ".join(
    f'"{name}" = excluded."{name}"' for name in COLUMNS if name not in KEY
)


class Mid(NamedTuple):
    effective_date: date
    table: str
    mid: Decimal
    scale: int
    source_id: int


# The fields of Mid as a plain tuple, which is cheaper: one is made for every rate, and only the newest are read.
Written = tuple[date, str, Decimal, int, int]


class QuoteBefore(NamedTuple):
    """A quote before the refresh: its newest mid, and the day of its previous one."""

    newest: Mid
    previous_date: date | None


def refresh(written: dict[int, list[Written]], source_group: set[int], fresh: set[int]) -> dict[int, QuoteBefore]:
    """Update the quotes of the instruments whose mids were written (ascending); returns the quotes from before.

    Mids that are newer than the quote, as nearly always, need no query of the series: the quote holds the mid before
    them. Nor does an instrument in `fresh`, which was created in this transaction and has no other rates.
    """
    before = stored(written, source_group) if written else {}
    rows = []
    for instrument, mids in written.items():
        quote = before.get(instrument)
        if quote and mids[0][0] > quote.newest.effective_date:
            rows.append(row(instrument, [quote.newest, *map(Mid._make, mids[-NEWEST_ROWS:])]))
        elif instrument in fresh:
            rows.append(row(instrument, list(map(Mid._make, mids[-NEWEST_ROWS:]))))
        elif not quote or not quote.previous_date or mids[-1][0] >= quote.previous_date:
            rows.append(row(instrument, newest_in_series(instrument, source_group)))
    replaced = [one[0] for one in rows if one[0] in before and before[one[0]].newest.source_id != one[1]]
    if replaced:  # the official quote replaces the archive's: one quote per instrument and source group
        Quote.objects.filter(instrument__in=replaced, source__in=source_group).delete()
    bulk.insert(TABLE, COLUMNS, rows, REPLACE)
    return before


def stored(instruments: Iterable[int], source_group: set[int]) -> dict[int, QuoteBefore]:
    rows = Quote.objects.filter(instrument__in=instruments, source__in=source_group, effective_date__isnull=False)
    columns = ("instrument_id", "previous_date", "effective_date", "table", "price", "scale", "source_id")
    found = rows.values_list(*columns)
    return {instrument: QuoteBefore(Mid(*newest), previous) for instrument, previous, *newest in found}


def newest_in_series(instrument: int, source_group: set[int]) -> list[Mid]:
    """The newest mids, read backwards in the order of the index, so that PostgreSQL never sorts a series."""
    rows = Rate.objects.filter(instrument=instrument, source__in=source_group, mid__isnull=False)
    newest = rows.order_by("-effective_date", "-table").values_list(*Mid._fields)[:NEWEST_ROWS]
    return list(map(Mid._make, newest))


def row(instrument: int, mids: Sequence[Mid]) -> tuple[Any, ...]:
    """The columns of a quote: the newest two days among these, of a day table A before B."""
    days: dict[date, Mid] = {}
    for mid in sorted(mids, reverse=True):
        days[mid.effective_date] = mid  # of one day A comes after B
    newest, *rest = days.values()
    previous = rest[0] if rest else None
    return (
        instrument,
        newest.source_id,
        newest.effective_date.isoformat(),
        newest.table,
        bulk.digits(newest.mid),
        newest.scale,
        *((previous.effective_date.isoformat(), bulk.digits(previous.mid), previous.scale) if previous else [None] * 3),
        bulk.moment(clock.now()),
        False,
    )
