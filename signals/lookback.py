"""The bars up to one of them under a rule, computed where they are asked for: without the libraries of the engine.

They are read once for all rules; each looks at as many of them as it needs, so that what it computes does not depend on
which others are configured.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite, nan
from typing import NamedTuple

from django.db.models import DateTimeField, FloatField, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Least

from markets import timeframes
from markets.instruments import redenominations
from markets.models import Candle, Instrument
from markets.queries.history import LONGEST_GAP
from signals import tables
from signals.kernel import COLUMNS
from signals.models import midnight
from signals.rules.rule import Bar, Rule, Values

# So many warm-ups of bars come before the one that is asked about: what lies before them weighs 1e-12 of a price.
WARM_UPS = 2
# Of candles at least so long: the VWAP of a day needs the whole of it, and the day before to know that it is whole.
SHORTEST = timedelta(days=2)
EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Seen(NamedTuple):
    """A bar: when it opened (official rates: midnight UTC of their day), its values by name, and what it decided."""

    moment: datetime
    values: Values
    decision: int


class Series(NamedTuple):
    """Bars of one kind of an instrument; candles are of one `source`, official rates of none."""

    instrument: Instrument
    timeframe: str
    source: int | None = None

    @property
    def official(self) -> bool:
        return tables.is_official(self.instrument, self.timeframe)


class Row(NamedTuple):
    """A bar as it is stored. One without a trade is no bar, but no gap either, and is not counted."""

    moment: datetime
    bar: Bar
    traded: bool


class Stretch(NamedTuple):
    """The bars of a series up to a moment, inclusive, ascending; `scale`: with how many decimals the newest official
    rate was published.
    """

    series: Series
    until: datetime
    rows: Sequence[Row]
    scale: int = 0


def series_of(instrument: Instrument, timeframe: str) -> Series:
    """One statement for candles."""
    official = tables.is_official(instrument, timeframe)
    return Series(instrument, timeframe, None if official else tables.source_of(instrument, timeframe))


def read(series: Series, until: datetime, rules: Iterable[Rule]) -> Stretch:
    """As many bars as the slowest of the rules needs; one statement."""
    count = max(map(needed, rules), default=0)
    return rates(series, until, count) if series.official else candles(series, until, count)


def needed(rule: Rule) -> int:
    return WARM_UPS * rule.warm_up + 2


def look_back(stretch: Stretch, rule: Rule) -> list[Seen]:
    """The newest bars up to the end, ascending; empty where the rule does not apply to such a series."""
    instrument, timeframe, _source = series = stretch.series
    if not rule.needs <= tables.carries(instrument, timeframe):
        return []
    found, state, last = list[Seen](), rule.initial, None
    starts = [midnight(one.day) for one in redenominations.breaks(instrument.code)]
    longest = LONGEST_GAP if series.official else longest_of(timeframe)
    for moment, bar, traded in looked_at(stretch, needed(rule)):
        if last and (moment - last > longest or any(last < start <= moment for start in starts)):
            state = rule.initial
        last = moment
        if traded and usable(bar, rule):
            state, values, decision = rule.step(state, bar)
            found.append(Seen(moment, {"close": bar.close, **named(rule, values)}, decision))
    return found


def looked_at(stretch: Stretch, count: int) -> Sequence[Row]:
    """The newest `count` that were traded and what lies between them; of candles the newest two days at least."""
    traded = [number for number, row in enumerate(stretch.rows) if row.traded]
    first = traded[-count] if len(traded) > count else 0
    if stretch.series.official:
        return stretch.rows[first:]
    recent = (number for number, row in enumerate(stretch.rows) if row.moment >= stretch.until - SHORTEST)
    return stretch.rows[min(first, next(recent, first)) :]


def longest_of(timeframe: str) -> timedelta:
    return (tables.MOST_ABSENT + 1) * timedelta(seconds=timeframes.SECONDS[timeframe])


def named(rule: Rule, values: Sequence[float]) -> dict[str, float | None]:
    """By name, as the ledger keeps them: None where nothing is known yet."""
    pairs = zip(rule.values, values, strict=True)
    return {value.name: number if isfinite(number) else None for value, number in pairs}


def usable(bar: Bar, rule: Rule) -> bool:
    return all(isfinite(getattr(bar, name)) for name in COLUMNS if name in rule.needs)


def rates(series: Series, until: datetime, count: int) -> Stretch:
    found = tables.official(series.instrument).filter(effective_date__lte=until.date()).order_by("-effective_date")
    days = list(found.values_list("effective_date", Cast("mid", FloatField()), "scale")[:count])[::-1]
    rows = [Row(midnight(day), Bar(mid), traded=True) for day, mid, _scale in days]
    return Stretch(series, until, rows, days[-1][2] if days else 0)


def candles(series: Series, until: datetime, count: int) -> Stretch:
    found = Candle.objects.filter(
        instrument=series.instrument,
        timeframe=series.timeframe,
        closed=True,
        source=series.source,
        open_time__lte=until,
    )
    traded = found.filter(synthetic=False, partial=False).order_by("-open_time").values("open_time")
    oldest = Coalesce(Subquery(traded[count - 1 : count]), moment_of(EVER))
    wanted = found.filter(open_time__gte=Least(oldest, moment_of(until - SHORTEST))).order_by("open_time")
    columns = wanted.values_list("open_time", "synthetic", "partial", *COLUMNS)
    return Stretch(series, until, list(candle_rows(columns.iterator())))


def moment_of(value: datetime) -> Value:
    return Value(value, DateTimeField())


def candle_rows(rows: Iterable[tuple[datetime, bool, bool, object]]) -> Iterator[Row]:
    for opened, synthetic, partial, *figures in rows:
        prices = dict(zip(COLUMNS, (nan if one is None else float(one) for one in figures), strict=True))  # type: ignore[arg-type]
        yield Row(opened.astimezone(UTC), Bar(**prices, time=opened.timestamp()), not (synthetic or partial))
