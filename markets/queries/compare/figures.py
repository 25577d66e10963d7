"""The figures of several series by their day, and the newest prices: one statement each, whatever the number of series.

The figure of a market's day is its price at midnight UTC: the first one of the hour behind it, else the last one of the
hour before. Prices of the last weeks are ticks; older ones stand in the hourly candles that retention made of them.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q

from markets.models import Candle, Quote, Rate, Tick
from markets.queries.compare.pair import PRICES, Series
from markets.queries.latest_prices import midnight

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# Retention runs once a night: a tick may be a day older than it keeps.
SPARE_DAYS = 2


class Figure(NamedTuple):
    """A value: of a market with its moment, of a table with its published decimals."""

    value: Decimal
    at: datetime | None = None
    scale: int | None = None


Figures = dict[Series, dict[date, Figure]]


def daily(wanted: Collection[Series], first: date, last: date) -> Figures:
    """By series and day, both days inclusive; at most three statements."""
    found: Figures = {one: {} for one in wanted}
    for series, day, figure in [*official(wanted, first, last), *of_markets(wanted, first, last)]:
        found.get(series, {}).setdefault(day, figure)
    return found


def official(wanted: Collection[Series], first: date, last: date) -> Iterator[tuple[Series, date, Figure]]:
    tables = [one for one in wanted if not one.is_market]
    rows = Rate.objects.filter(
        instrument__code__in={one.code for one in tables},
        source__code__in={one.source for one in tables},
        table__in={one.table for one in tables},
        effective_date__range=(first, last),
        mid__isnull=False,
    )
    columns = ("source__code", "instrument__code", "table", "effective_date", "mid", "scale")
    for source, code, table, day, mid, scale in rows.order_by().values_list(*columns):
        yield Series(source, code, table), day, Figure(mid, None, scale)


def of_markets(wanted: Collection[Series], first: date, last: date) -> Iterator[tuple[Series, date, Figure]]:
    """Prices behind a midnight before those before it."""
    markets = [one for one in wanted if one.is_market]
    if not markets:
        return
    days = [first + DAY * number for number in range((last - first).days + 1)]
    before: list[tuple[Series, date, Figure]] = []
    for series, moment, value, at in [*ticks(markets, days), *candles(markets, days)]:
        day = moment.date()
        if moment == midnight(day):
            yield series, day, Figure(value, at)
        else:
            before.append((series, day + DAY, Figure(value, at)))
    yield from before


Priced = tuple[Series, datetime, Decimal, datetime]


def candles(markets: Iterable[Series], days: Iterable[date]) -> Iterator[Priced]:
    """The hour behind each midnight by its open, the hour before by its close."""
    hours = [hour for day in days for hour in (midnight(day), midnight(day) - HOUR)]
    rows = Candle.objects.filter(**which(markets), timeframe="1h", open_time__in=hours, closed=True).order_by()
    columns = ("source__code", "instrument__code", "open_time", "open", "close")
    for source, code, start, first, last in rows.values_list(*columns):
        is_behind = start.hour == 0
        yield Series(source, code), start, first if is_behind else last, start if is_behind else start + HOUR


def ticks(markets: Iterable[Series], days: Collection[date]) -> Iterator[Priced]:
    """The first price of the hour behind each midnight, and the last one of the hour before."""
    kept = list(days)[-(settings.RETENTION_DAYS + SPARE_DAYS) :]
    around = Q(pk__in=[])
    for day in kept:
        around |= Q(observed_at__gte=midnight(day) - HOUR, observed_at__lt=midnight(day) + HOUR)
    rows = Tick.objects.filter(around, **which(markets)).order_by("observed_at")
    columns = ("source__code", "instrument__code", "observed_at", "price")
    found: dict[tuple[Series, datetime], tuple[Decimal, datetime]] = {}
    for source, code, at, price in rows.values_list(*columns):
        hour = at.replace(minute=0, second=0, microsecond=0)
        place = Series(source, code), hour
        if hour.hour or place not in found:
            found[place] = price, at
    return ((series, hour, price, at) for (series, hour), (price, at) in found.items())


def which(markets: Iterable[Series]) -> dict[str, set[str]]:
    rows = list(markets)
    return {"source__code__in": {one.source for one in rows}, "instrument__code__in": {one.code for one in rows}}


def newest_prices(wanted: Iterable[Series]) -> dict[Series, Figure]:
    """The newest price of each market's series; closes of a day before are none. One statement."""
    markets = [one for one in wanted if one.is_market]
    rows = Quote.objects.filter(**which(markets), effective_date=None, end_of_day=False)
    columns = ("source__code", "instrument__code", "observed_at", "price")
    found = rows.values_list(*columns) if markets else ()
    return {Series(source, code, PRICES): Figure(price, at) for source, code, at, price in found}
