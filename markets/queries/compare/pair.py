"""What a pair is: two sides that price the same thing, each of one series or computed from several."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from markets.clock import WARSAW

# Of the ECB: Frankfurt's time, which the ECB calls CET all the year.
FRANKFURT = ZoneInfo("Europe/Berlin")
OUNCE_GRAMS = Decimal("31.1034768")  # a troy ounce, exactly
PRICES = ""


@dataclass(frozen=True, slots=True)
class Series:
    """The figures of one instrument at one source: of an official table, or a market's prices (`table` is empty)."""

    source: str
    code: str
    table: str = PRICES

    @property
    def is_market(self) -> bool:
        return self.table == PRICES


@dataclass(frozen=True, slots=True)
class Fixing:
    """The hour of which an official figure is, in whose time, and what that time is called."""

    hour: time
    zone: ZoneInfo
    words: str

    def moment(self, day: date) -> datetime:
        return datetime.combine(day, self.hour, self.zone).astimezone(UTC)


NBP_FIXING = Fixing(time(11, 0), WARSAW, "11:00 Europe/Warsaw")
ECB_FIXING = Fixing(time(14, 15), FRANKFURT, "14:15 CET (Frankfurt)")


@dataclass(frozen=True, slots=True)
class Side:
    """`formula` names the series by their codes; without one the side is its only series as published.

    `fixing`: None for a market, and where nobody documents the hour.
    """

    series: tuple[Series, ...]
    fixing: Fixing | None = None
    formula: str = ""
    compute: Callable[..., Decimal] = lambda value: value

    @property
    def source(self) -> Series:
        """The first series: the side is named by its source."""
        return self.series[0]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides of one thing; `unit` says what both values are, `note` what else they differ by."""

    name: str
    unit: str
    left: Side
    right: Side
    note: str = ""

    @property
    def series(self) -> tuple[Series, ...]:
        return self.left.series + self.right.series

    @property
    def sources(self) -> frozenset[str]:
        """The codes of every source that a value of the pair comes from."""
        return frozenset(one.source for one in self.series)

    @property
    def is_market(self) -> bool:
        """Whether both sides are prices of a moment, and not figures of a day."""
        return self.left.source.is_market and self.right.source.is_market


def nbp(code: str) -> Side:
    return Side((Series("nbp", code, "A"),), NBP_FIXING)


def ecb_euro() -> Side:
    """The ECB publishes PLN for one euro; it is a rate of EUR."""
    return Side((Series("ecb", "EUR", "eurofxref"),), ECB_FIXING)


def ecb_cross(code: str) -> Side:
    """PLN for one unit of a currency over the euro."""
    legs = Series("ecb", "EUR", "eurofxref"), Series("ecb", f"EUR{code}", "eurofxref")
    return Side(legs, ECB_FIXING, f"EUR / EUR{code}", lambda euro, other: euro / other)


def market(source: str, code: str) -> Side:
    return Side((Series(source, code),))


def ounce_in_zloty(source: str) -> Side:
    """PLN for a gram of gold: the ounce in dollars by the NBP's mid of the day."""
    legs = Series(source, "XAUUSD"), Series("nbp", "USD", "A")
    return Side(legs, None, "XAUUSD * USD / 31.1034768", lambda ounce, dollar: ounce * dollar / OUNCE_GRAMS)
