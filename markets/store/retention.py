"""Old prices make room: ticks and five-minute candles go, candles of an hour and of a day stay. Never a Rate.

Source by source and day by day: what a day came to is written in the same transaction that deletes it, so that a kill
at any moment loses nothing and the next run goes on where this one stopped.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.db import models, transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, Subquery

from markets import clock
from markets.models import Candle, Gap, Job, OutboxEvent, Revision, Source, Tick
from markets.store import bulk, listings, validation
from markets.store.candles import COLUMNS, ONE_A_STRETCH, REPLACE, TABLE
from markets.store.gaps import CANDLES
from markets.timeframes import SECONDS, start_of

BATCH = 5_000
JOB_BATCH = 500
# Processed rows of the outbox: hundreds an hour where prices and candles come.
KEPT_EVENTS = timedelta(days=7)
SHORT_LIVED = "5m"
DAY = timedelta(days=1)
# What we made may be made again of more; what a source said of that stretch stands.
UNLESS_THERE = f"{ONE_A_STRETCH} DO NOTHING"
UNLESS_PUBLISHED = f"{REPLACE} WHERE {TABLE}.synthetic"


@dataclass(slots=True)
class Pruned:
    """Rows that went, roll-ups that were written, and whether the time was enough for all of it."""

    ticks: int = 0
    candles: int = 0
    jobs: int = 0
    rolled_up: int = 0
    finished: bool = True


class Piece(NamedTuple):
    """A price or a candle, as a roll-up takes it."""

    instrument: int
    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    trades: int


def prune(days: int, seconds: float = 30) -> Pruned:
    """Delete what is older than so many whole days (UTC); no new day is begun after so many seconds."""
    outcome, end = Pruned(), time.monotonic() + seconds
    before = start_of(clock.now() - timedelta(days=days), SECONDS["1d"])
    for source in Source.objects.order_by("code"):
        for day in old_days(source, before):
            if time.monotonic() > end:
                outcome.finished = False
                return outcome
            with transaction.atomic():
                listings.lock(source)
                prune_day(source, day, outcome)
    outcome.jobs = prune_jobs(before)
    delete(OutboxEvent.objects.filter(processed__lt=max(before, clock.now() - KEPT_EVENTS)))
    delete(Gap.objects.filter(table=f"{CANDLES}{SHORT_LIVED}", to_time__lt=before))
    return outcome


def old_days(source: Source, before: datetime) -> Iterator[datetime]:
    """Each day that still has something to delete, the oldest first."""
    while True:
        oldest = [
            Tick.objects.filter(source=source, observed_at__lt=before).aggregate(first=Min("observed_at"))["first"],
            five_minutes(source).filter(open_time__lt=before).aggregate(first=Min("open_time"))["first"],
        ]
        found = [moment for moment in oldest if moment is not None]
        if not found:
            return
        yield start_of(min(found), SECONDS["1d"])


def five_minutes(source: Source) -> models.QuerySet[Candle]:
    return Candle.objects.filter(source=source, timeframe=SHORT_LIVED)


def prune_day(source: Source, day: datetime, outcome: Pruned) -> None:
    ticks = Tick.objects.filter(source=source, observed_at__gte=day, observed_at__lt=day + DAY)
    candles = five_minutes(source).filter(open_time__gte=day, open_time__lt=day + DAY)
    hours = [*roll_up(of_ticks(ticks, source), "1h"), *roll_up(of_candles(candles), "1h")]
    outcome.rolled_up += write(hours, "1h", source, UNLESS_THERE)
    met = {piece.instrument for piece in hours}
    of_the_day = Candle.objects.filter(
        source=source, timeframe="1h", instrument__in=met, open_time__gte=day, open_time__lt=day + DAY
    )
    outcome.rolled_up += write(roll_up(of_candles(of_the_day), "1d"), "1d", source, UNLESS_PUBLISHED)
    outcome.ticks += delete(ticks)
    outcome.candles += delete(candles)


def of_ticks(ticks: models.QuerySet[Tick], source: Source) -> Iterator[Piece]:
    """Only where the source has no candles of its own."""
    rows = ticks.exclude(instrument__in=publishers(source)).order_by("instrument", "observed_at")
    for instrument, moment, price in rows.values_list("instrument_id", "observed_at", "price").iterator():
        yield Piece(instrument, moment, price, price, price, price, None, 0)


def publishers(source: Source) -> list[int]:
    """The instruments whose candles it publishes: those of 5m and 4h are never made of others. Two seeks each."""
    there = Candle.objects.filter(instrument=OuterRef("instrument"), source=source).order_by("-open_time").values("pk")
    listed = source.listings.annotate(
        short=Subquery(there.filter(timeframe="5m")[:1]), long=Subquery(there.filter(timeframe="4h")[:1])
    )
    return list(listed.exclude(short=None, long=None).values_list("instrument_id", flat=True))


def of_candles(candles: models.QuerySet[Candle]) -> Iterator[Piece]:
    """Closed ones, those without trades included: they carry the price on."""
    columns = ("instrument_id", "open_time", "open", "high", "low", "close", "volume", "trades")
    rows = candles.filter(closed=True).order_by("instrument", "open_time")
    return (Piece(*values) for values in rows.values_list(*columns).iterator())


def roll_up(pieces: Iterable[Piece], timeframe: str) -> Iterator[Piece]:
    """One piece an instrument and stretch; they come by instrument and time."""
    seconds = SECONDS[timeframe]
    for (instrument, start), group in groupby(pieces, key=lambda row: (row.instrument, start_of(row.start, seconds))):
        of_it = list(group)
        volumes = [piece.volume for piece in of_it if piece.volume is not None]
        yield Piece(
            instrument,
            start,
            of_it[0].open,
            max(piece.high for piece in of_it),
            min(piece.low for piece in of_it),
            of_it[-1].close,
            validation.fitted(sum(volumes, Decimal(0))) if volumes else None,
            sum(piece.trades for piece in of_it),
        )


def write(pieces: Iterable[Piece], timeframe: str, source: Source, conflict: str) -> int:
    rows: list[tuple[Any, ...]] = [
        (instrument, timeframe, source.pk, bulk.moment(start), *map(bulk.digits, prices), trades, True, True)
        for instrument, start, *prices, trades in pieces
    ]
    return bulk.insert(TABLE, COLUMNS, rows, conflict)


def delete(rows: models.QuerySet[Any], batch: int = BATCH) -> int:
    """A few thousand a statement: none holds the database for long."""
    gone = 0
    while True:
        count: int = rows.model._default_manager.filter(pk__in=rows.order_by("pk").values("pk")[:batch]).delete()[0]
        gone += count
        if not count:
            return gone


def prune_jobs(before: datetime) -> int:
    """Ended jobs.

    What stays: those that corrected a figure, those that somebody still waits for, and the newest of each type and
    status, which say when a source last answered and what failed last.
    """
    kinds = Job.objects.order_by().values("job_type", "status").annotate(last=Max("pk"))
    jobs = Job.objects.filter(
        ~Q(pk__in=kinds.values("last")),
        ~Exists(Revision.objects.filter(job=OuterRef("pk"))),
        ~Exists(OutboxEvent.objects.filter(job=OuterRef("pk"), processed=None, consumer="engine")),
        finished_at__lt=before,
    )
    gone = 0
    while True:
        batch = list(jobs.order_by("pk").values_list("pk", flat=True)[:JOB_BATCH])
        if not batch:
            return gone
        Job.objects.filter(pk__in=batch).delete()
        gone += len(batch)
