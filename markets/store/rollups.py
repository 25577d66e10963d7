"""Roll-ups: candles of an hour or a day that are made of the prices and candles of a source.

Each keeps of how many five-minute stretches it knows something. A day of 24 hours has 288, an hour 12; with fewer it is
partial. A price stands for its quarter of an hour: prices that come every five minutes are a little late at times.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.db import models
from django.db.models import OuterRef, Subquery

from markets.models import Candle, Source, Tick
from markets.store import bulk, price_validation
from markets.store.stored_candles import COLUMNS, TABLE
from markets.timeframes import SECONDS, start_of

FIVE_MINUTES = SECONDS["5m"]
QUARTER = 3


class Piece(NamedTuple):
    """A price or a candle as the input of a roll-up, and its outcome.

    `known`: five-minute stretches that it stands for; `synthetic`: without a trade that is known.
    """

    instrument: int
    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    trades: int
    known: int = 1
    synthetic: bool = False


def of_ticks(ticks: models.QuerySet[Tick], source: Source) -> Iterator[Piece]:
    """The prices of instruments for which the source publishes no candles of its own."""
    rows = ticks.exclude(instrument__in=publishers(source)).order_by("instrument", "observed_at")
    for instrument, moment, price in rows.values_list("instrument_id", "observed_at", "price").iterator():
        yield Piece(instrument, moment, price, price, price, price, None, 0, QUARTER, synthetic=True)


def publishers(source: Source) -> list[int]:
    """The instruments whose candles the source publishes: those with 5m or 4h, never rolled up. Two seeks each."""
    there = Candle.objects.filter(instrument=OuterRef("instrument"), source=source).order_by("-open_time").values("pk")
    listed = source.listings.annotate(
        short=Subquery(there.filter(timeframe="5m")[:1]), long=Subquery(there.filter(timeframe="4h")[:1])
    )
    return list(listed.exclude(short=None, long=None).values_list("instrument_id", flat=True))


def of_candles(candles: models.QuerySet[Candle]) -> Iterator[Piece]:
    """The closed candles, including those without trades, which carry the last price on. A published one is whole."""
    columns = ("instrument_id", "open_time", "open", "high", "low", "close", "volume", "trades")
    rows = candles.filter(closed=True).order_by("instrument", "open_time")
    for *values, timeframe, pieces, synthetic in rows.values_list(*columns, "timeframe", "pieces", "synthetic"):
        found = SECONDS[timeframe] // FIVE_MINUTES if pieces is None else pieces
        yield Piece._make((*values, found, synthetic))


def roll_up(pieces: Iterable[Piece], timeframe: str) -> Iterator[Piece]:
    """One piece per instrument and period; `pieces` are ordered by instrument and time."""
    seconds = SECONDS[timeframe]
    for (instrument, start), group in groupby(pieces, key=lambda row: (row.instrument, start_of(row.start, seconds))):
        members = list(group)
        volumes = [piece.volume for piece in members if piece.volume is not None]
        yield Piece(
            instrument,
            start,
            members[0].open,
            max(piece.high for piece in members),
            min(piece.low for piece in members),
            members[-1].close,
            price_validation.fitted(sum(volumes, Decimal(0))) if volumes else None,
            sum(piece.trades for piece in members),
            known(members),
            all(piece.synthetic for piece in members),
        )


def known(members: Iterable[Piece]) -> int:
    """Stretches of five minutes that something is known of; two prices of one quarter of an hour count once."""
    stretches = {start_of(piece.start, max(1, piece.known) * FIVE_MINUTES): piece.known for piece in members}
    return sum(stretches.values())


def write(pieces: Iterable[Piece], timeframe: str, source: Source, conflict: str) -> int:
    whole = SECONDS[timeframe] // FIVE_MINUTES
    rows: list[tuple[Any, ...]] = []
    for instrument, start, *prices, trades, found, synthetic in pieces:
        flags = (True, synthetic, found < whole, found)
        rows.append((instrument, timeframe, source.pk, bulk.moment(start), *map(bulk.digits, prices), trades, *flags))
    return bulk.insert(TABLE, COLUMNS, rows, conflict)
