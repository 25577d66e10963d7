"""The stored prices of one series for the preview: times in seconds and prices as float, without model instances.

A web process imports no numpy at its start; its first preview does.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connections
from django.db.models import F, FloatField, Q, QuerySet
from django.db.models.functions import Cast

from markets import clock
from markets.instruments import redenominations
from markets.models import Candle, Instrument, Listing, Quote, Rate, Source, Tick
from markets.queries.latest_prices import LATE, LONGEST_PAUSE, UNLISTED, fresh_for, interval_of, midnight
from signals.alerts.origins import Origin, family
from signals.epoch import Epoch

DAYS = 365
DAY = 86_400
HOUR = 3600
FIVE_MINUTES = 300
# A year of five-minute bars. Of prices that come every few seconds the newest so many are looked at.
MOST = 105_120
# Hours say something about a window that holds two of them.
HOURS_FROM_MINUTES = 120
# Table B is weekly, and a holiday moves it by a week.
WEEKLY_PAUSE = timedelta(days=14)

Seconds = npt.NDArray[np.int64]
Prices = npt.NDArray[np.float64]
PAIR = np.dtype([("time", np.int64), ("price", np.float64)])
Table = npt.NDArray[np.void]


class Past(NamedTuple):
    """Ascending. `allowed`: how long the pause before each price may be; a longer one is a silence of the source.

    `of`: what the prices are, the oldest first: `1h`, `5m`, `prices`, `1d`.
    """

    times: Seconds
    prices: Prices
    allowed: Seconds
    of: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        return int(self.times[-1] - self.times[0]) // DAY + 1 if len(self.times) else 0


def load(instrument: Instrument, origin: Origin, minutes: int) -> Past:
    """The last 365 days: official rates, or what a market said. That is its closed five-minute candles where it
    publishes some, else its single prices; and before those its hours, where a window of so many `minutes` holds two.
    Nothing without a source: there is none that whoever asks may see.
    """
    if origin.source is None:
        return past(np.array([], PAIR), 0, 0, "")
    now = clock.now()
    unit = midnight(redenominations.newest_break(instrument.code, clock.today()))
    since = max(now - timedelta(days=DAYS), unit)
    if origin.official:
        return rates(instrument, origin.source, since)
    fine = candles(instrument, origin.source, "5m", Q(open_time__gte=since))
    if not len(fine.times):
        fine = ticks(instrument, origin.source, since)
    if minutes < HOURS_FROM_MINUTES:
        return fine
    end = datetime.fromtimestamp(int(fine.times[0]), now.tzinfo) if len(fine.times) else now
    before = Q(open_time__gte=since, open_time__lte=end - timedelta(seconds=HOUR))
    return joined(candles(instrument, origin.source, "1h", before), fine)


def candles(instrument: Instrument, source: Source, timeframe: str, when: Q) -> Past:
    """The close of each, at its end. One without a trade carries an older price on and is left out, but one of an hour
    that Charon has made of single prices has a real one.
    """
    step = HOUR if timeframe == "1h" else FIVE_MINUTES
    real = Q(synthetic=False) | Q(pieces__isnull=False)
    rows = Candle.objects.filter(real, when, instrument=instrument, source=source, timeframe=timeframe)
    rows = rows.filter(closed=True, partial=False).order_by("-open_time")
    return past(read(rows, "open_time", "close"), step, int(LATE * step), timeframe)


def ticks(instrument: Instrument, source: Source, since: datetime) -> Past:
    rows = Tick.objects.filter(instrument=instrument, source=source, observed_at__gte=since)
    listing = Listing.objects.filter(instrument=instrument, source=source).first()
    priority = listing.priority if listing else UNLISTED
    interval = interval_of(source.polling_interval, priority, rotating=source.rotating)
    daily = Quote.objects.filter(instrument=instrument, source=source, end_of_day=True).exists()
    allowed = fresh_for(interval, end_of_day=daily)
    pairs = read(rows.order_by("-observed_at"), "observed_at", "price")
    return without_lone_ends(past(pairs, 0, int(allowed.total_seconds()), "prices"))


def without_lone_ends(past: Past) -> Past:
    """From the first to the last price that has a neighbour. Before and behind them each is alone between two silences,
    as in a daily history: no rule fires on it, its year is no year of prices. Between them one may lie on the other
    side of a level, and counts.
    """
    near = np.flatnonzero(np.diff(past.times) <= past.allowed[1:])
    kept = slice(near[0], near[-1] + 2) if len(near) else slice(0)
    return Past(past.times[kept], past.prices[kept], past.allowed[kept], past.of if len(near) else ())


def rates(instrument: Instrument, source: Source, since: datetime) -> Past:
    """The one mid of each day at its midnight (UTC), table A before B."""
    rows = Rate.objects.filter(
        family(source), instrument=instrument, mid__isnull=False, effective_date__gte=since.date()
    )
    value = Cast("mid", FloatField())
    columns = rows.order_by("effective_date", "table").values_list("effective_date", "table", value)
    by_day: dict[int, tuple[str, float]] = {}
    for day, table, mid in columns:
        by_day.setdefault(int(midnight(day).timestamp()), (table, mid))
    weekly = by_day and next(reversed(by_day.values()))[0] == "B"
    allowed = WEEKLY_PAUSE if weekly else LONGEST_PAUSE
    pairs = [(time, mid) for time, (_, mid) in reversed(by_day.items())]
    return past(np.array(pairs, PAIR), 0, int(allowed.total_seconds()), "1d")


def read(rows: "QuerySet[Any]", time: str, price: str) -> Table:
    """The newest, newest first; as the database gives them, since Django would turn each value over once more."""
    newest = rows.values_list(Epoch(F(time)), Cast(price, FloatField()))[:MOST]
    with connections[rows.db].cursor() as cursor:
        cursor.execute(*newest.query.sql_with_params())
        return np.fromiter(cursor, PAIR)


def past(newest_first: Table, later: int, allowed: int, of: str) -> Past:
    table = newest_first[::-1]
    times = table["time"] + later
    return Past(times, np.ascontiguousarray(table["price"]), np.full(len(times), allowed), (of,) if len(times) else ())


def joined(before: Past, after: Past) -> Past:
    parts = [np.concatenate(pair)[-MOST:] for pair in zip(before[:3], after[:3], strict=True)]
    return Past(parts[0], parts[1], parts[2], (*before.of, *after.of))
