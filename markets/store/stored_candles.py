"""Candles as the table holds them: its columns, the rows there are, and what is missing between them."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import OuterRef, Subquery

from markets import timeframes
from markets.models import Candle, Instrument, Source
from markets.store import bulk

TABLE = Candle._meta.db_table
VALUES = {
    "open": "numeric",
    "high": "numeric",
    "low": "numeric",
    "close": "numeric",
    "volume": "numeric",
    "trades": "integer",
    "closed": "boolean",
    "synthetic": "boolean",
    "partial": "boolean",
    "pieces": "smallint",
}
COLUMNS = {
    "instrument_id": "bigint",
    "timeframe": "text",
    "source_id": "bigint",
    "open_time": "timestamptz",
} | VALUES
ONE_A_STRETCH = "ON CONFLICT (instrument_id, timeframe, source_id, open_time)"
REPLACE = f"{ONE_A_STRETCH} DO UPDATE SET " + ", ".join(f'"{name}" = excluded."{name}"' for name in VALUES)


class CandleValues(NamedTuple):
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    trades: int
    closed: bool
    synthetic: bool
    partial: bool = False
    pieces: int | None = None


Place = tuple[int, datetime]
Found = dict[Place, CandleValues]


def row(place: Place, moment: Any, timeframe: str, source: Source, new: CandleValues) -> tuple[Any, ...]:
    prices = map(bulk.digits, (new.open, new.high, new.low, new.close, new.volume))
    return (place[0], timeframe, source.pk, moment, *prices, *new[5:])


def stored(timeframe: str, found: Collection[Place], source: Source) -> Found:
    """The rows between the first and the last of these candles, by instrument and time."""
    times = [start for _, start in found]
    rows = Candle.objects.filter(
        instrument__in={instrument for instrument, _ in found},
        timeframe=timeframe,
        source=source,
        open_time__range=(min(times), max(times)),
    ).values_list("instrument_id", "open_time", *VALUES)
    return {(instrument, start): CandleValues(*values) for instrument, start, *values in rows}


def holes(
    timeframe: str, found: Collection[Place], held: Collection[Place], source: Source
) -> Iterator[tuple[int, timeframes.Gap]]:
    """What is missing among these candles and before them; before one that was there it was told already."""
    series: dict[int, list[datetime]] = defaultdict(list)
    for instrument, start in sorted({*found, *held}):
        series[instrument].append(start)
    fresh = {instrument: times for instrument, times in series.items() if (instrument, times[0]) not in held}
    for instrument, start in neighbours(timeframe, fresh, source).items() if fresh else ():
        series[instrument].insert(0, start)
    for instrument, times in series.items():
        for hole in timeframes.holes(times, timeframes.SECONDS[timeframe]):
            yield instrument, hole


def neighbours(timeframe: str, series: dict[int, list[datetime]], source: Source) -> dict[int, datetime]:
    """The last candle before these; by the index, one seek a series."""
    first = min(times[0] for times in series.values())
    before = Candle.objects.filter(
        instrument=OuterRef("pk"), timeframe=timeframe, source=source, open_time__lt=first
    ).order_by("-open_time")
    rows = Instrument.objects.filter(pk__in=series).annotate(last=Subquery(before.values("open_time")[:1]))
    return {pk: last for pk, last in rows.values_list("pk", "last") if last is not None}
