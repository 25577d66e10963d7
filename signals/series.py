"""Tables to frames: the one place where Decimal becomes float."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
from django.db.models import Exists, FloatField, OuterRef
from django.db.models.functions import Cast

from markets import timeframes
from markets.instruments import redenominations
from markets.models import Candle, Instrument, Listing, Rate
from markets.models.querysets import RateQuerySet
from markets.queries.history import LONGEST_GAP
from signals.models import DAILY, OFFICIAL_KINDS
from signals.rules.rule import COLUMNS, OFFICIAL
from signals.state import State

# Candles: so many absent ones begin a new series.
MOST_ABSENT = 20
EPOCH = date(1970, 1, 1).toordinal()


def is_official(instrument: Instrument, timeframe: str) -> bool:
    """The bars of a day are official rates for what has some, candles for everything else."""
    return timeframe == DAILY and instrument.kind in OFFICIAL_KINDS


def carries(instrument: Instrument, timeframe: str) -> frozenset[str]:
    """What a rule may need of this series."""
    return frozenset({"close", OFFICIAL}) if is_official(instrument, timeframe) else frozenset(COLUMNS)


def load(instrument: Instrument, timeframe: str = DAILY, after: datetime | None = None) -> pd.DataFrame:
    """Closed bars that were traded, ascending by their UTC time: prices as float64, and `part`.

    `part` grows where the series was away for too long and where its code began to mean another unit: what follows
    begins anew, with its own warm-up.
    """
    if is_official(instrument, timeframe):
        return rates(instrument, after)
    return candles(instrument, timeframe, after)


def rates(instrument: Instrument, after: datetime | None) -> pd.DataFrame:
    """Mids of table A for a currency, the price of a gram for gold.

    Mids of table B are weekly and stay out: a daily rule does not apply to them.
    """
    rows = official(instrument)
    if after is not None:
        rows = rows.filter(effective_date__gt=after.date())
    pairs = list(rows.values_list("effective_date", Cast("mid", FloatField())))
    days, closes = zip(*pairs, strict=True) if pairs else ((), ())
    return parted(
        pd.DataFrame(
            {"close": np.array(closes, np.float64)}, index=times((day.toordinal() - EPOCH) * 86_400 for day in days)
        ),
        LONGEST_GAP,
        instrument.code,
    )


def official(instrument: Instrument) -> RateQuerySet[Rate]:
    table = "gold" if instrument.kind == Instrument.Kind.METAL else "A"
    return Rate.objects.filter(instrument=instrument, table=table, mid__isnull=False).order_by("effective_date")


def mixes_units(instrument: Instrument, timeframe: str, state: State) -> bool:
    """Whether its averages come from before a redenomination that an earlier release did not know."""
    day = state.as_of.date()
    start = redenominations.newest_break(instrument.code, day)
    if start == date.min or not is_official(instrument, timeframe):
        return False
    return official(instrument).filter(effective_date__range=(start, day)).count() < state.bars


def candles(instrument: Instrument, timeframe: str, after: datetime | None) -> pd.DataFrame:
    """Of one source. A stretch in which nothing was traded, or that is half known, is no bar, but no gap either."""
    rows = Candle.objects.filter(instrument=instrument, timeframe=timeframe, closed=True).order_by("open_time")
    rows = rows.filter(source=source_of(instrument, timeframe))
    if after is not None:
        rows = rows.filter(open_time__gt=after)
    prices = [Cast(name, FloatField()) for name in COLUMNS]
    found = list(rows.values_list("open_time", "synthetic", "partial", *prices))
    frame = pd.DataFrame(
        [row[3:] for row in found], index=times(int(row[0].timestamp()) for row in found), columns=list(COLUMNS)
    ).astype(np.float64)
    step = timedelta(seconds=timeframes.SECONDS[timeframe])
    traded = np.array([not (row[1] or row[2]) for row in found], bool)
    return parted(frame, (MOST_ABSENT + 1) * step, instrument.code)[traded]


def source_of(instrument: Instrument, timeframe: str) -> int | None:
    """The source with the most urgent listing of those that have such candles: always the same one."""
    there = Candle.objects.filter(instrument=instrument, timeframe=timeframe, source=OuterRef("source"))
    rows = Listing.objects.filter(Exists(there), instrument=instrument).order_by("priority", "source__code")
    return rows.values_list("source", flat=True).first()


def times(seconds: Iterable[int]) -> pd.DatetimeIndex:
    """Since 1970; numpy takes 2 µs for a `date` of its own accord, and 245,000 of them are read on a first run."""
    return pd.DatetimeIndex(np.fromiter(seconds, np.int64).astype("datetime64[s]")).tz_localize("UTC")


def parted(frame: pd.DataFrame, longest: timedelta, code: str) -> pd.DataFrame:
    seconds = pd.DatetimeIndex(frame.index).as_unit("s").asi8
    away = np.diff(seconds, prepend=seconds[:1]) > longest.total_seconds()
    starts = [(row.day.toordinal() - EPOCH) * 86_400 for row in redenominations.breaks(code)]
    units = np.searchsorted(np.array(starts, np.int64), seconds, side="right")
    return frame.assign(part=np.cumsum(away) + units)


def of_newest_unit(closes: pd.Series, code: str) -> pd.Series:
    """Without what stands before the newest redenomination: lowest, highest and change are of one unit."""
    if closes.empty or not redenominations.breaks(code):
        return closes
    start = redenominations.newest_break(code, closes.index[-1].date())
    return closes[closes.index >= pd.Timestamp(max(start, date(1970, 1, 1)), tz="UTC")]
