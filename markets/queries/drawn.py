"""Series as columns for charts: no model objects, days as text, prices as floats of at most 15 digits.

Reading 7,000 days as objects costs 62 ms of processor time, as columns 7.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from django.db.models import CharField, FloatField, Q, QuerySet
from django.db.models.functions import Cast

from markets.licence import Audience, shown_to
from markets.models import Candle, Gap, Listing, Rate, Source
from markets.queries.asked_once import DAYS, MOMENTS, NUMBER, TEXTS, QuestionOf
from markets.queries.candles import listings_with
from markets.queries.history import TABLES

MIDS = tuple(table for table in TABLES if table != "C")


@dataclass
class Columns:
    """A row a bar, ascending. `times` are `2026-10-26` or `2026-10-26T10:00Z`; an official rate is a close alone."""

    times: list[str] = field(default_factory=list)
    closes: list[float] = field(default_factory=list)
    scales: list[int] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    bids: list[float | None] = field(default_factory=list)
    asks: list[float | None] = field(default_factory=list)
    opens: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    volumes: list[float | None] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def ordinals(self) -> list[int]:
        """Of official days, each as a number: 1 is a Monday."""
        return list(map(date.toordinal, map(date.fromisoformat, self.times)))

    def place(self, time: str) -> int:
        """The number of the first row that is not before this time."""
        return bisect_left(self.times, time)


def newest_day(code: str) -> date | None:
    """Of the official mids that pages show; one query."""
    rows = Rate.objects.filter(instrument__code=code, table__in=TABLES, mid__isnull=False).publishable()
    return rows.order_by("-effective_date").values_list("effective_date", flat=True).first()


def official(code: str, first: date, last: date = date.max, band: bool = True) -> Columns:
    """The canonical mid of each day, with a band also the bid and ask of table C; one query.

    Of a day A comes before B before C: the first mid is the canonical one, as in `history.points`.
    """
    if band:
        return canonical(BANDED.bare_rows_of(code, first, last))
    return of_mids(MIDS_ALONE.bare_rows_of(code, first, last))


def question_of_days(tables: Collection[str], names: Collection[str]) -> QuestionOf:
    """By a bare cursor: Django's conversion of floats that are floats doubles the time of 14,000 rows."""

    def question(code: str, first: date, last: date) -> "QuerySet[Rate, Any]":
        # As a set of its own: joined, the source is looked up for each of 14,000 rows.
        public = Source.objects.filter(shown_to(Audience.PAGE, ""))
        rows = Rate.objects.filter(instrument__code=code, table__in=tables, source__in=public)
        rows = rows.filter(effective_date__gte=first, effective_date__lte=last).order_by("effective_date", "table")
        prices = (Cast(name, FloatField()) for name in names)
        return rows.values_list(Cast("effective_date", CharField()), "table", "scale", *prices)

    return QuestionOf(question, TEXTS[0], *DAYS)


BANDED, MIDS_ALONE = question_of_days(TABLES, ("mid", "bid", "ask")), question_of_days(MIDS, ("mid",))


def of_mids(rows: Sequence[tuple[str, str, int, float | None]]) -> Columns:
    """Of rows by day and table: where each day has one, as in nearly every series, the columns as they come."""
    if not rows:
        return Columns()
    times, tables, scales, closes = (list(column) for column in zip(*rows, strict=True))
    if None in closes or len(set(times)) < len(times):
        return canonical((*row, None, None) for row in rows)
    nothing: list[float | None] = [None] * len(times)
    return Columns(times, closes, scales, tables, nothing, nothing)


def canonical(rows: Iterable[tuple[str, str, int, float | None, float | None, float | None]]) -> Columns:
    """Of rows by day and table, the band of table C beside the mid of its day."""
    kept: list[tuple[str, str, int, float]] = []
    bands: dict[int, tuple[float, float]] = {}
    before = ""
    for day, table, scale, mid, bid, ask in rows:
        if mid is not None and day != before:
            before = day
            kept.append((day, table, scale, mid))
        if bid is not None and ask is not None and day == before:
            bands.setdefault(len(kept) - 1, (bid, ask))
    times, tables, scales, closes = (list(column) for column in zip(*kept, strict=True)) if kept else ([], [], [], [])
    sides = [bands.get(row, (None, None)) for row in range(len(kept))]
    bids, asks = [side[0] for side in sides], [side[1] for side in sides]
    return Columns(times, closes, scales, tables, bids, asks)


def candles(code: str, source: int, timeframe: str, last: datetime | None, most: int) -> Columns:
    """The newest `most` candles that open until `last`; one query.

    `whole`: a closed candle in which something was traded and that is known whole, as the rules need it.
    """
    # Nothing is that far in the future.
    rows = question_of_candles(most).rows_of(code, source, timeframe, last or datetime.max.replace(tzinfo=UTC))
    found = Columns()
    for opened, first, high, low, close, volume, closed, synthetic, partial, scale in reversed(rows):
        found.times.append(f"{opened.astimezone(UTC):%Y-%m-%dT%H:%MZ}")
        found.opens.append(first)
        found.highs.append(high)
        found.lows.append(low)
        found.closes.append(close)
        found.volumes.append(volume)
        found.scales.append(scale)
        found.whole.append(closed and not synthetic and not partial)
    return found


@lru_cache(16)
def question_of_candles(most: int) -> QuestionOf:
    prices = [Cast(name, FloatField()) for name in ("open", "high", "low", "close", "volume")]
    facts = ("closed", "synthetic", "partial", "instrument__scale")

    def question(code: str, source: int, timeframe: str, last: datetime) -> "QuerySet[Candle, Any]":
        rows = Candle.objects.filter(instrument__code=code, source=source, timeframe=timeframe, open_time__lte=last)
        return rows.order_by("-open_time").values_list("open_time", *prices, *facts)[:most]

    return QuestionOf(question, TEXTS[0], NUMBER, TEXTS[1], MOMENTS[0])


class Offer(NamedTuple):
    """A source with candles: its key, code and name; whether a page may show it."""

    key: int
    code: str
    name: str
    public: bool


def offers_of(code: str, timeframe: str) -> "QuerySet[Listing, Any]":
    rows = listings_with(timeframe).filter(instrument__code=code).order_by("priority", "source__code")
    return rows.values_list("source", "source__code", "source__name", "source__public_display")


OFFERS = QuestionOf(offers_of, *TEXTS[:2])


def sources(code: str, timeframe: str) -> list[Offer]:
    """The sources that have such candles, the most urgent listing first: the first is the one that the rules take, as
    `signals.tables.source_of` says. One query.
    """
    return [Offer(*row) for row in OFFERS.rows_of(code, timeframe)]


def missing(
    code: str, tables: Collection[str], first: datetime, last: datetime, source: int | None = None
) -> list[tuple[datetime, datetime]]:
    """From when to when rows of these tables are known to be missing, for all or for this code, and nobody has
    accepted it; one query.

    An archive has such rows while the official source has the day: a caller looks at what is there.
    """
    return [(start, end) for start, end in question_of_gaps(tuple(sorted(tables)), source).rows_of(code, first, last)]


@lru_cache(64)
def question_of_gaps(tables: tuple[str, ...], source: int | None) -> QuestionOf:
    def question(code: str, first: datetime, last: datetime) -> "QuerySet[Gap, Any]":
        rows = Gap.objects.filter(shown_to(Audience.PAGE), accepted_at=None, table__in=tables)
        rows = rows.filter(Q(instrument__code=code) | Q(instrument=None), from_time__lte=last, to_time__gte=first)
        if source is not None:
            rows = rows.filter(source=source)
        return rows.order_by("from_time").values_list("from_time", "to_time")

    return QuestionOf(question, TEXTS[0], *MOMENTS[:2])
