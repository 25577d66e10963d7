"""Tables to frames: the one place where Decimal becomes float."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
from django.db.models import Exists, FloatField, OuterRef
from django.db.models.functions import Cast

from markets import timeframes
from markets.models import Candle, Instrument, Listing, Rate
from markets.queries.history import LONGEST_GAP
from signals.models import DAILY, OFFICIAL_KINDS
from signals.rules.rule import COLUMNS, OFFICIAL

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

    `part` grows where the series was away for too long: what follows begins anew, with its own warm-up.
    """
    if is_official(instrument, timeframe):
        return rates(instrument, after)
    return candles(instrument, timeframe, after)


def rates(instrument: Instrument, after: datetime | None) -> pd.DataFrame:
    """Mids of table A for a currency, the price of a gram for gold.

    Mids of table B are weekly and stay out: a daily rule does not apply to them.
    """
    table = "gold" if instrument.kind == Instrument.Kind.METAL else "A"
    rows = Rate.objects.filter(instrument=instrument, table=table, mid__isnull=False).order_by("effective_date")
    if after is not None:
        rows = rows.filter(effective_date__gt=after.date())
    pairs = list(rows.values_list("effective_date", Cast("mid", FloatField())))
    days, closes = zip(*pairs, strict=True) if pairs else ((), ())
    return parted(
        pd.DataFrame(
            {"close": np.array(closes, np.float64)}, index=times((day.toordinal() - EPOCH) * 86_400 for day in days)
        ),
        LONGEST_GAP,
    )


def candles(instrument: Instrument, timeframe: str, after: datetime | None) -> pd.DataFrame:
    """Of one source. A stretch in which nothing was traded is no bar, but it is no gap either."""
    rows = Candle.objects.filter(instrument=instrument, timeframe=timeframe, closed=True).order_by("open_time")
    rows = rows.filter(source=source_of(instrument, timeframe))
    if after is not None:
        rows = rows.filter(open_time__gt=after)
    prices = [Cast(name, FloatField()) for name in COLUMNS]
    found = list(rows.values_list("open_time", "synthetic", *prices))
    frame = pd.DataFrame(
        [row[2:] for row in found], index=times(int(row[0].timestamp()) for row in found), columns=list(COLUMNS)
    ).astype(np.float64)
    step = timedelta(seconds=timeframes.SECONDS[timeframe])
    traded = np.array([not row[1] for row in found], bool)
    return parted(frame, (MOST_ABSENT + 1) * step)[traded]


def source_of(instrument: Instrument, timeframe: str) -> int | None:
    """The source with the most urgent listing of those that have such candles: always the same one."""
    there = Candle.objects.filter(instrument=instrument, timeframe=timeframe, source=OuterRef("source"))
    rows = Listing.objects.filter(Exists(there), instrument=instrument).order_by("priority", "source__code")
    return rows.values_list("source", flat=True).first()


def times(seconds: Iterable[int]) -> pd.DatetimeIndex:
    """Since 1970; numpy takes 2 µs for a `date` of its own accord, and 245,000 of them are read on a first run."""
    return pd.DatetimeIndex(np.fromiter(seconds, np.int64).astype("datetime64[s]")).tz_localize("UTC")


def parted(frame: pd.DataFrame, longest: timedelta) -> pd.DataFrame:
    seconds = pd.DatetimeIndex(frame.index).as_unit("s").asi8
    away = np.diff(seconds, prepend=seconds[:1]) > longest.total_seconds()
    return frame.assign(part=np.cumsum(away))
