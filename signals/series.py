"""Tables to frames: the one place where Decimal becomes float."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
from django.db.models import FloatField, IntegerField
from django.db.models.functions import Cast

from markets import timeframes
from markets.instruments import redenominations
from markets.models import Candle, Instrument
from markets.queries.history import LONGEST_GAP
from signals.epoch import Epoch
from signals.kernel import COLUMNS
from signals.models import DAILY
from signals.state import State
from signals.tables import MOST_ABSENT, carries, is_official, official, source_of

__all__ = ["carries", "load", "mixes_units", "of_newest_unit"]

EPOCH = date(1970, 1, 1).toordinal()


def load(instrument: Instrument, timeframe: str = DAILY, after: datetime | None = None) -> pd.DataFrame:
    """Closed bars that were traded, ascending by their UTC time: prices as float64, the published decimals of official
    ones (`scale`), and `part`.

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
    found = list(rows.values_list("effective_date", Cast("mid", FloatField()), "scale"))
    days, closes, scales = zip(*found, strict=True) if found else ((), (), ())
    return parted(
        pd.DataFrame(
            {"close": np.array(closes, np.float64), "scale": np.array(scales, np.int64)},
            index=times((day.toordinal() - EPOCH) * 86_400 for day in days),
        ),
        LONGEST_GAP,
        instrument.code,
    )


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
    flags = [Cast(name, IntegerField()) for name in ("synthetic", "partial")]
    prices = [Cast(name, FloatField()) for name in COLUMNS]
    # Numbers alone: each datetime and each bool would cost more than its whole row.
    found = np.array(list(rows.values_list(Epoch("open_time"), *flags, *prices)), np.float64).reshape(
        -1, 3 + len(prices)
    )
    frame = pd.DataFrame(found[:, 3:], index=times(found[:, 0].astype(np.int64)), columns=list(COLUMNS))
    step = timedelta(seconds=timeframes.SECONDS[timeframe])
    (traded,) = np.nonzero(found[:, 1] + found[:, 2] == 0)
    return parted(frame, (MOST_ABSENT + 1) * step, instrument.code).iloc[traded]


def times(seconds: Iterable[int]) -> pd.DatetimeIndex:
    """Since 1970; numpy takes 2 µs for a `date` of its own accord, and 245,000 of them are read on a first run."""
    numbers = seconds if isinstance(seconds, np.ndarray) else np.fromiter(seconds, np.int64)
    return pd.DatetimeIndex(numbers.astype("datetime64[s]")).tz_localize("UTC")


def parted(frame: pd.DataFrame, longest: timedelta, code: str) -> pd.DataFrame:
    seconds = pd.DatetimeIndex(frame.index).as_unit("s").asi8
    away = np.diff(seconds, prepend=seconds[:1]) > longest.total_seconds()
    starts = [(row.day.toordinal() - EPOCH) * 86_400 for row in redenominations.breaks(code)]
    units = np.searchsorted(np.array(starts, np.int64), seconds, side="right")
    return frame.assign(part=np.cumsum(away) + units)


def lines(bars: pd.DataFrame, columns: Sequence[str]) -> list[bytes]:
    """The text of each bar, as the chain of hashes takes it: `2026-10-26,3.9432` is an official rate as it was
    published, `2026-10-26T10:00:00Z,61234.5` a candle of which the close alone is needed.
    """
    opened = pd.DatetimeIndex(bars.index).tz_localize(None).to_numpy()
    if "scale" in bars:
        days = np.datetime_as_string(opened, unit="D").tolist()
        closes = zip(bars["close"].tolist(), bars["scale"].tolist(), strict=True)
        return [
            f"{day},{close:.{scale}f}\n".encode() for day, (close, scale) in zip(days, closes, strict=True)
        ]  # fmt: skip
    moments = np.datetime_as_string(opened, unit="s").tolist()
    figures = zip(*(map(digits, bars[name].tolist()) for name in columns), strict=True)
    return [f"{time}Z,{','.join(row)}\n".encode() for time, row in zip(moments, figures, strict=True)]


def digits(value: float) -> str:
    """Without an exponent and without zeros at the end: SQLite keeps 15 digits, PostgreSQL pads to ten decimals."""
    text = f"{value:.15g}"
    return f"{Decimal(text):f}" if "e" in text else text


def of_newest_unit(closes: pd.Series, code: str) -> pd.Series:
    """Without what stands before the newest redenomination: lowest, highest and change are of one unit."""
    if closes.empty or not redenominations.breaks(code):
        return closes
    start = redenominations.newest_break(code, closes.index[-1].date())
    return closes[closes.index >= pd.Timestamp(max(start, date(1970, 1, 1)), tz="UTC")]
