"""Tables to arrays: the one place where Decimal becomes float."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import FloatField, IntegerField, QuerySet
from django.db.models.functions import Cast

from markets import timeframes
from markets.instruments import redenominations
from markets.models import Candle, Instrument
from markets.queries.history import LONGEST_GAP
from signals.bars import Bars, Floats, Ints
from signals.epoch import Epoch
from signals.kernel import COLUMNS
from signals.models import DAILY
from signals.state import State
from signals.tables import MOST_ABSENT, carries, is_official, official, source_of

__all__ = ["carries", "load", "mixes_units", "of_newest_unit"]

EPOCH = date(1970, 1, 1).toordinal()
# By how many numbers a line has.
SIGNIFICANT = [",".join(["%.15g"] * count) for count in range(len(COLUMNS) + 1)]


def load(instrument: Instrument, timeframe: str = DAILY, after: datetime | None = None) -> Bars:
    """Closed bars that were traded: prices as float64, the published decimals of official ones.

    A part ends where the series was away for too long and where its code began to mean another unit: what follows
    begins anew, with its own warm-up.
    """
    if is_official(instrument, timeframe):
        return rates(instrument, after)
    return candles(instrument, timeframe, after)


def rates(instrument: Instrument, after: datetime | None) -> Bars:
    """Mids of table A for a currency, the price of a gram for gold.

    Mids of table B are weekly and stay out: a daily rule does not apply to them.
    """
    rows = official(instrument)
    if after is not None:
        rows = rows.filter(effective_date__gt=after.date())
    found = list(rows.values_list("effective_date", Cast("mid", FloatField()), "scale"))
    days, closes, scales = zip(*found, strict=True) if found else ((), (), ())
    bars = np.full((len(found), len(COLUMNS) + 1), np.nan)
    bars[:, 0], bars[:, -1] = closes, [(day.toordinal() - EPOCH) * 86_400 for day in days]
    return Bars(bars, parts(bars[:, -1], LONGEST_GAP, instrument.code), np.array(scales, np.int64))


def mixes_units(instrument: Instrument, timeframe: str, state: State) -> bool:
    """Whether its averages come from before a redenomination that an earlier release did not know."""
    day = state.as_of.date()
    start = redenominations.newest_break(instrument.code, day)
    if start == date.min or not is_official(instrument, timeframe):
        return False
    return official(instrument).filter(effective_date__range=(start, day)).count() < state.bars


def candles(instrument: Instrument, timeframe: str, after: datetime | None) -> Bars:
    """Of one source. A stretch in which nothing was traded, or that is half known, is no bar, but no gap either."""
    rows = Candle.objects.filter(instrument=instrument, timeframe=timeframe, closed=True).order_by("open_time")
    rows = rows.filter(source=source_of(instrument, timeframe))
    if after is not None:
        rows = rows.filter(open_time__gt=after)
    flags = [Cast(name, IntegerField()) for name in ("synthetic", "partial")]
    prices = [Cast(name, FloatField()) for name in COLUMNS]
    # Numbers alone: each datetime and each bool would cost more than its whole row.
    asked = rows.values_list(*prices, Epoch("open_time"), *flags)
    found = np.array(plain_rows(asked), np.float64).reshape(-1, len(prices) + 1 + len(flags))
    bars, traded = found[:, : -len(flags)], found[:, -2] + found[:, -1] == 0
    longest = (MOST_ABSENT + 1) * timedelta(seconds=timeframes.SECONDS[timeframe])
    return Bars(bars, parts(bars[:, -1], longest, instrument.code))[traded]


def plain_rows(rows: "QuerySet[Any, Any]") -> list[Any]:
    """Past Django's converters, which make floats of floats and cost as much as the database."""
    with connection.cursor() as cursor:
        cursor.execute(*rows.query.sql_with_params())
        return list(cursor.fetchall())


def parts(seconds: Floats, longest: timedelta, code: str) -> Ints:
    away = np.diff(seconds, prepend=seconds[:1]) > longest.total_seconds()
    starts = [(row.day.toordinal() - EPOCH) * 86_400 for row in redenominations.breaks(code)]
    units = np.searchsorted(np.array(starts, np.float64), seconds, side="right")
    return np.cumsum(away) + units


def lines(bars: Bars, columns: Sequence[str]) -> list[bytes]:
    """The text of each bar, as the chain of hashes takes it: `2026-10-26,3.9432` is an official rate as it was
    published, `2026-10-26T10:00:00Z,61234.5` a candle of which the close alone is needed.
    """
    opened = bars.seconds.astype("datetime64[s]")
    if bars.scales is not None:
        days = np.datetime_as_string(opened, unit="D").tolist()
        closes = zip(bars.closes.tolist(), bars.scales.tolist(), strict=True)
        return [
            f"{day},{close:.{scale}f}\n".encode() for day, (close, scale) in zip(days, closes, strict=True)
        ]  # fmt: skip
    moments = np.datetime_as_string(opened, unit="s").tolist()
    numbers = bars.rows[:, [COLUMNS.index(name) for name in columns]].tolist()
    return [f"{time}Z,{figures(row)}\n".encode() for time, row in zip(moments, numbers, strict=True)]


def figures(row: Sequence[float]) -> str:
    """`digits` of each: in one go, as they nearly always can be written."""
    text = SIGNIFICANT[len(row)] % tuple(row)
    return ",".join(map(digits, row)) if "e" in text else text


def digits(value: float) -> str:
    """Without an exponent and without zeros at the end: SQLite keeps 15 digits, PostgreSQL pads to ten decimals."""
    text = f"{value:.15g}"
    return f"{Decimal(text):f}" if "e" in text else text


def of_newest_unit(bars: Bars, code: str) -> Bars:
    """Without what stands before the newest redenomination: lowest, highest and change are of one unit."""
    if not len(bars) or not redenominations.breaks(code):
        return bars
    start = redenominations.newest_break(code, bars.moment(-1).date())
    return bars[bars.rows[:, -1] >= (start.toordinal() - EPOCH) * 86_400]
