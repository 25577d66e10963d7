"""Queries for the candles of one instrument, and for the gaps among them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from markets import clock, timeframes
from markets.errors import QuestionError
from markets.licence import Audience, refuse, shown_to
from markets.models import Candle, Instrument, Listing, Source
from markets.queries.asked_once import MOMENTS, NUMBER, NUMBERS, TEXTS, PreparedQuestion
from markets.queries.found import SOURCE_FIELDS, source_in
from markets.queries.prices import plain
from markets.queries.rates import find_source
from markets.queries.texts import AllDigits, Moment, TextsOf
from markets.timeframes import Gap

Item = dict[str, Any]

# Retention makes roll-ups when it deletes ticks, after days or weeks: their candles are never this new.
LATELY = timedelta(days=2)
COLUMNS = ("open_time", "open", "high", "low", "close", "volume", "closed", "synthetic", "partial")
NAMES = ("t", "o", "h", "l", "c", "v", "closed", "synthetic", "partial")
RANK = ("newest", "priority", "source__polling_interval", "source__code")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A range of candles: ascending from `start` if that is given, else the newest ones up to `end`."""

    timeframe: str
    start: datetime | None
    end: datetime | None
    limit: int


def source_of(instrument: Instrument, timeframe: str, audience: Audience, source: str | None = None) -> Source | None:
    """The requested source, or the best one: with candles of the last two days first (the others have only roll-ups
    of old ticks), then by the priority of the listing, then by the shorter polling interval.
    """
    if source is not None:
        named = find_source(source)
        refuse(named, audience)
        return named
    lately = clock.now() - LATELY
    rows = [row for row in listed(audience).rows_of(instrument.pk, timeframe) if row[0] is not None]
    if not rows:
        return None
    best = min(rows, key=lambda row: (row[0] < lately, *row[1 : len(RANK)]))
    return source_in(best[len(RANK) :])


def listings_with(timeframe: Any) -> QuerySet[Listing]:
    """Those whose source has such candles of the instrument. PostgreSQL asks an EXISTS of all listings at once, by
    reading through every candle: 1.1 ms for a series of 1,500. The newest one costs a seek in the index.
    """
    there = Candle.objects.filter(instrument=OuterRef("instrument"), source=OuterRef("source"), timeframe=timeframe)
    newest = Subquery(there.order_by("-open_time").values("open_time")[:1])
    return Listing.objects.alias(newest=newest).filter(newest__isnull=False)


@cache
def listed(audience: Audience) -> PreparedQuestion:
    """The sources that list an instrument, each behind its newest candle and its other ranks."""

    def asked(instrument: int, timeframe: str) -> QuerySet[Listing, Any]:
        # The newest candle costs one index seek per source; EXISTS would read through a long history.
        there = Candle.objects.filter(instrument=instrument, source=OuterRef("source"), timeframe=timeframe)
        newest = Subquery(there.order_by("-open_time").values("open_time")[:1])
        rows = Listing.objects.filter(shown_to(audience), instrument=instrument).annotate(newest=newest)
        return rows.values_list(*RANK, *(f"source__{name}" for name in SOURCE_FIELDS))

    return PreparedQuestion(asked, NUMBER, TEXTS[0])


def candles(instrument: Instrument, source: Source | None, asked: Stretch) -> tuple[list[Item], int]:
    """The candles as text, ascending, and how many match from `start` on; without a start, how many are returned.

    Raises QuestionError when `start` is later than `end`.
    """
    check(asked)
    if source is None:
        return [], 0
    ends = {"open_time__gte": asked.start, "open_time__lte": asked.end}
    given = {name: moment for name, moment in ends.items() if moment is not None}
    question = texts(instrument.scale, "open_time" if asked.start else "-open_time", tuple(given))
    values: tuple[Any, ...] = (instrument.pk, source.pk, asked.timeframe, *given.values())
    found = [dict(zip(NAMES, line, strict=True)) for line in question.page(asked.limit, 0, *values)]
    if not asked.start:
        return found[::-1], len(found)
    return found, len(found) if len(found) < asked.limit else question.count(*values)


@cache
def texts(scale: int, order: str, ends: tuple[str, ...]) -> TextsOf:
    def asked(instrument: int, source: int, timeframe: str, *moments: datetime) -> QuerySet[Candle, Any]:
        between = dict(zip(ends, moments, strict=True))
        rows = Candle.objects.filter(instrument=instrument, source=source, timeframe=timeframe, **between)
        return rows.order_by(order)

    start, *prices, volume, closed, synthetic, partial = COLUMNS
    figures = (*(AllDigits(price, scale) for price in prices), AllDigits(volume, 0))
    return TextsOf(
        asked, (Moment(start), *figures, closed, synthetic, partial), *NUMBERS[:2], TEXTS[0], *MOMENTS[: len(ends)]
    )


def check(asked: Stretch) -> None:
    """Raises QuestionError when it ends before it begins."""
    if asked.start and asked.end and asked.start > asked.end:
        raise QuestionError(f"from ({asked.start.isoformat()}) is later than to ({asked.end.isoformat()})")


def stored(instrument: Instrument, source: Source | None, asked: Stretch) -> QuerySet[Candle]:
    """All of the stretch, whatever its limit. Raises QuestionError when it ends before it begins."""
    check(asked)
    rows = Candle.objects.filter(instrument=instrument, timeframe=asked.timeframe, source=source)
    if asked.end:
        rows = rows.filter(open_time__lte=asked.end)
    return rows.filter(open_time__gte=asked.start) if asked.start else rows


def every(instrument: Instrument, rows: QuerySet[Candle], first: int | None = None) -> Iterator[Item]:
    """The first ones, or all as they are read; ascending."""
    found = rows.order_by("open_time").values_list(*COLUMNS)
    read = found[:first] if first else found.iterator(chunk_size=1_000)
    return (item(instrument.scale, *values) for values in read)


def item(scale: int, start: datetime, *values: Any) -> Item:
    """One candle as the API returns it."""
    *prices, volume, closed, synthetic, partial = values
    figures = (*(plain(price, scale) for price in prices), plain(volume, 0))
    return dict(zip(NAMES, (start, *figures, closed, synthetic, partial), strict=True))


def newest(source: Source, timeframe: str, instruments: Collection[int], limit: int = 200) -> dict[int, list[Item]]:
    """The candles of the last `limit` periods by instrument, ascending; one query, however long the history."""
    since = clock.now() - limit * timedelta(seconds=timeframes.SECONDS[timeframe])
    rows = Candle.objects.filter(
        instrument__in=instruments, timeframe=timeframe, source=source, open_time__gt=since
    ).order_by("instrument", "open_time")
    found: dict[int, list[Item]] = {instrument: [] for instrument in instruments}
    for instrument, scale, *values in rows.values_list("instrument_id", "instrument__scale", *COLUMNS):
        found[instrument].append(item(scale, *values))
    return found


def gaps(instrument: Instrument, source: Source, timeframe: str, start: datetime, end: datetime) -> Iterator[Gap]:
    """The gaps between the stored candles from `start` to `end`, both inclusive."""
    rows = Candle.objects.filter(
        instrument=instrument, timeframe=timeframe, source=source, open_time__range=(start, end)
    ).order_by("open_time")
    return timeframes.holes(rows.values_list("open_time", flat=True).iterator(), timeframes.SECONDS[timeframe])
