"""The bars up to one of them under a rule, computed where they are asked for: without the libraries of the engine."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite, nan
from typing import NamedTuple

from django.db.models import FloatField
from django.db.models.functions import Cast

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


class Seen(NamedTuple):
    """A bar: when it opened (official rates: midnight UTC of their day), its values by name, and what it decided."""

    moment: datetime
    values: Values
    decision: int


def look_back(instrument: Instrument, timeframe: str, rule: Rule, until: datetime) -> list[Seen]:
    """The newest bars up to `until`, inclusive, ascending; empty where the rule does not apply to such a series."""
    if not rule.needs <= tables.carries(instrument, timeframe):
        return []
    found, state, last = list[Seen](), rule.initial, None
    starts = [midnight(one.day) for one in redenominations.breaks(instrument.code)]
    longest = LONGEST_GAP if tables.is_official(instrument, timeframe) else longest_of(timeframe)
    for moment, bar, traded in bars(instrument, timeframe, WARM_UPS * rule.warm_up + 2, until):
        if last and (moment - last > longest or any(last < start <= moment for start in starts)):
            state = rule.initial
        last = moment
        if traded and usable(bar, rule):
            state, values, decision = rule.step(state, bar)
            found.append(Seen(moment, {"close": bar.close, **named(rule, values)}, decision))
    return found


def longest_of(timeframe: str) -> timedelta:
    return (tables.MOST_ABSENT + 1) * timedelta(seconds=timeframes.SECONDS[timeframe])


def named(rule: Rule, values: Sequence[float]) -> dict[str, float | None]:
    """By name, as the ledger keeps them: None where nothing is known yet."""
    pairs = zip(rule.values, values, strict=True)
    return {value.name: number if isfinite(number) else None for value, number in pairs}


def usable(bar: Bar, rule: Rule) -> bool:
    return all(isfinite(getattr(bar, name)) for name in COLUMNS if name in rule.needs)


def bars(
    instrument: Instrument, timeframe: str, count: int, until: datetime
) -> Iterator[tuple[datetime, Bar, bool]]:  # fmt: skip
    """`count` of them, ascending, and whether something was traded: a stretch without trades is no bar, but no gap
    either, and is not counted.
    """
    if tables.is_official(instrument, timeframe):
        rates = tables.official(instrument).filter(effective_date__lte=until.date()).order_by("-effective_date")
        for day, mid in reversed(rates.values_list("effective_date", Cast("mid", FloatField()))[:count]):
            yield midnight(day), Bar(mid), True
        return
    rows = Candle.objects.filter(
        instrument=instrument,
        timeframe=timeframe,
        closed=True,
        source=tables.source_of(instrument, timeframe),
        open_time__lte=until,
    )
    real = rows.filter(synthetic=False, partial=False).order_by("-open_time").values_list("open_time", flat=True)
    start = min([*real[:count], until - SHORTEST])
    wanted = rows.filter(open_time__gte=start).order_by("open_time")
    for opened, synthetic, partial, *figures in wanted.values_list("open_time", "synthetic", "partial", *COLUMNS):
        prices = dict(zip(COLUMNS, (nan if one is None else float(one) for one in figures), strict=True))
        yield opened.astimezone(UTC), Bar(**prices, time=opened.timestamp()), not (synthetic or partial)
