"""The judgement of each pair: its newest difference beside the band of the year before.

The band is Tukey's for values that lie far out: from the lower quartile less three interquartile ranges to the upper
quartile and as much more. It holds with up to a quarter of wrong values, where a mean and its deviation would follow
them. At least one basis point lies beyond either quartile: the last published digit alone is up to half of one.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import quantiles

from markets import clock
from markets.errors import NotPublicError, UnknownCodeError
from markets.licence import Audience, shown_to
from markets.models import Source
from markets.queries.compare import figures
from markets.queries.compare.figures import Figure, Figures
from markets.queries.compare.pair import Pair, Series, Side
from markets.queries.compare.pairs import PAIRS
from markets.queries.lookup import nearest

YEAR, LATELY = timedelta(days=365), timedelta(days=10)
# Fewer days say nothing about what is usual: a quarter of a year.
MIN_DAYS = 60
# Two prices of a market are of one moment when no more lies between them; a source is polled every five minutes.
MOST_APART = timedelta(minutes=10)
# Easter, and a holiday of one publisher beside it: the newest common day of two tables is no older.
LONGEST_PAUSE = timedelta(days=6)
FENCE, LEAST = 3, Decimal(1)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Value:
    """What a side says, with all digits; `legs` are the figures that it is computed from."""

    side: Side
    amount: Decimal
    legs: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Band:
    low: Decimal
    high: Decimal
    days: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest values that can be compared, None while there are none. `days` of the year can be compared.

    `is_stale`: they are older than both sources would leave them.
    """

    pair: Pair
    day: date | None = None
    left: Value | None = None
    right: Value | None = None
    bps: Decimal | None = None
    band: Band | None = None
    days: int = 0
    is_stale: bool = False

    @property
    def outside(self) -> bool | None:
        """None where there is nothing to compare, or too few days to compare it with."""
        if self.bps is None or self.band is None:
            return None
        return not self.band.low <= self.bps <= self.band.high

    @property
    def words(self) -> str:
        """For operators: both values with their times, and how far apart they are."""
        if self.left is None or self.right is None or self.band is None:
            return self.pair.name
        sides = ", ".join(f"{one.side.source.source} {one.amount:.6f} ({told(one, self.day)})" for one in self.both)
        return f"{sides}: {self.bps} bp, {self.band.low} … {self.band.high}"

    @property
    def both(self) -> list[Value]:
        return [one for one in (self.left, self.right) if one is not None]


def told(value: Value, day: date | None) -> str:
    at = value.legs[0].at
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else f"{day}, {value.side.fixing.words}" if value.side.fixing else f"{day}"


def readings(audience: Audience, pair: str | None = None) -> list[Reading]:
    """Each pair that the audience may see, or the one that is named; five statements, however many pairs.

    Raises UnknownCodeError, and NotPublicError for a named pair of which a source is not shown in public.
    """
    chosen = visible(audience, pair)
    today = clock.today()
    found = figures.daily(series_of(chosen), today - YEAR, today)
    prices = figures.newest_prices(series_of(chosen))
    return [reading(one, found, prices, today) for one in chosen]


def newest(audience: Audience) -> dict[str, Decimal]:
    """The newest difference of each pair that has one, from the days since the longest pause alone."""
    chosen, today = visible(audience), clock.today()
    found = figures.daily(series_of(chosen), today - LATELY, today)
    prices = figures.newest_prices(series_of(chosen))
    rows = (reading(one, found, prices, today) for one in chosen)
    return {row.pair.name: row.bps for row in rows if row.bps is not None and not row.is_stale}


def visible(audience: Audience, name: str | None = None) -> list[Pair]:
    shown = set(Source.objects.filter(shown_to(audience, "")).values_list("code", flat=True))
    if name is None:
        return [one for one in PAIRS if one.sources <= shown]
    pair = next((one for one in PAIRS if one.name == name), None)
    if pair is None:
        names = {one.name: one.name for one in PAIRS}
        raise UnknownCodeError(f"There is no pair {name!r}", {"nearest": nearest(name, names), "pairs": list(names)})
    if hidden := pair.sources - shown:
        raise NotPublicError(f"The figures of {', '.join(sorted(hidden))} are not shown in public")
    return [pair]


def series_of(pairs: Iterable[Pair]) -> set[Series]:
    return {series for pair in pairs for series in pair.series}


def reading(pair: Pair, found: Figures, prices: dict[Series, Figure], today: date) -> Reading:
    """The newest values: the prices of this moment of two markets, else those of the newest common day."""
    days = common_days(pair, found)
    live = values(pair, prices) if is_one_moment(pair, prices) else None
    if live is None and not days:
        return Reading(pair)
    day = max(days) if live is None else max(at.date() for one in live for leg in one.legs if (at := leg.at))
    newest = live or values(pair, {one: found[one][day] for one in pair.series})
    past = [difference(pair, found, one) for one in days if live or one != day]
    bps = apart(newest[0].amount, newest[1].amount).quantize(CENT, ROUND_HALF_UP)
    return Reading(pair, day, *newest, bps, band(past), len(past), today - day > LONGEST_PAUSE)


def common_days(pair: Pair, found: Figures) -> set[date]:
    first, *others = (found.get(one, {}).keys() for one in pair.series)
    return set(first).intersection(*others)


def is_one_moment(pair: Pair, prices: dict[Series, Figure]) -> bool:
    """Whether both sides are prices of markets that are near enough in time."""
    if not pair.is_market or not all(one in prices for one in pair.series):
        return False
    moments = [at for one in pair.series if (at := prices[one].at)]
    return max(moments) - min(moments) <= MOST_APART


def values(pair: Pair, legs: dict[Series, Figure]) -> tuple[Value, Value]:
    left, right = (value(side, [legs[one] for one in side.series]) for side in (pair.left, pair.right))
    return left, right


def value(side: Side, legs: Sequence[Figure]) -> Value:
    return Value(side, side.compute(*(leg.value for leg in legs)), tuple(legs))


def difference(pair: Pair, found: Figures, day: date) -> Decimal:
    """Of a past day: some three thousand of them in an answer, so without an object for each."""
    left, right = (side.compute(*(found[one][day].value for one in side.series)) for side in (pair.left, pair.right))
    return apart(left, right)


def apart(left: Decimal, right: Decimal) -> Decimal:
    """How much higher the left value is, in basis points of the right one."""
    return (left / right - 1) * 10_000


def band(differences: Collection[Decimal]) -> Band | None:
    """None for too few days."""
    if len(differences) < MIN_DAYS:
        return None
    lower, _, upper = quantiles(differences, n=4, method="inclusive")
    beyond = max(FENCE * (upper - lower), LEAST)
    low, high = (edge.quantize(CENT, ROUND_HALF_UP) for edge in (lower - beyond, upper + beyond))
    return Band(low, high, len(differences))
