"""The official series of one instrument for charts and tables, with values as published."""

from calendar import monthrange
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise

from markets.decimals import published
from markets.models import Rate

# The months of each range that a chart offers; None is the whole series.
RANGES: dict[str, int | None] = {"1M": 1, "3M": 3, "1R": 12, "5R": 60, "Max": None}
DEFAULT_RANGE = "1R"
MOST_POINTS = 1000
# The pages show the NBP's rates: the ECB publishes its own rate of the euro in złoty for the same day.
TABLES = ("A", "B", "C", "gold")
# No bank holiday lasts that long: rates are missing, or the currency was not published meanwhile.
LONGEST_GAP = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Point:
    """One day: the canonical mid with its table, and the bid and ask of table C."""

    day: date
    table: str
    mid: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DayRates:
    """A day's mid, bid and ask as published, with the URL, hash and fetch time of the mid's publication."""

    day: date
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    source: str
    tables: tuple[str, ...]
    url: str
    sha256: str
    fetched_at: datetime | None


def first_day(newest: date, months: int | None) -> date:
    """The day that many months before `newest`, or the last day of a shorter month."""
    if months is None:
        return date.min
    year, month = divmod(newest.year * 12 + newest.month - 1 - months, 12)
    return date(year, month + 1, min(newest.day, monthrange(year, month + 1)[1]))


def points(code: str, since: date) -> list[Point]:
    """One point per day, ascending; one query."""
    rows = Rate.objects.filter(instrument__code=code, table__in=TABLES, effective_date__gte=since).publishable()
    columns = ("effective_date", "table", "mid", "bid", "ask", "scale")
    found = []
    for day, of_day in groupby(rows.order_by("effective_date", "table").values_list(*columns), key=lambda row: row[0]):
        # A before B before C: the first mid is the canonical one, as in `RateQuerySet.canonical`.
        rates = list(of_day)
        mid = next(((row[1], published(row[2], row[5])) for row in rates if row[2] is not None), None)
        band = next(((published(row[3], row[5]), published(row[4], row[5])) for row in rates if row[3]), (None, None))
        if mid is not None and mid[1] is not None:
            found.append(Point(day, mid[0], mid[1], *band))
    return found


def thinned(points: Sequence[Point], keep: Collection[date] = (), most: int = MOST_POINTS) -> tuple[list[Point], int]:
    """Every n-th point, counted from the newest, so that about `most` stay; and n.

    The lowest, the highest and the days of `keep` stay as well, because the page mentions them.
    """
    step = max(1, -(-len(points) // most))
    if step == 1:
        return list(points), 1
    wanted = {point.day for point in points[::-1][::step]} | ends(points) | set(keep)
    return [point for point in points if point.day in wanted], step


def ends(points: Sequence[Point]) -> set[date]:
    """The days of the lowest and of the highest."""
    return {min(points, key=lambda point: point.mid).day, max(points, key=lambda point: point.mid).day}


def gaps(points: Sequence[Point]) -> list[tuple[date, date]]:
    """The days before and after each gap of more than 30 days, where the chart interrupts its line."""
    return [(a.day, b.day) for a, b in pairwise(points) if b.day - a.day > LONGEST_GAP]


def newest_days(code: str, count: int = 30) -> list[DayRates]:
    """The newest days with their publications, newest first; one query."""
    rows = Rate.objects.filter(instrument__code=code, table__in=TABLES).publishable()
    rows = rows.select_related("publication", "source")
    newest = rows.order_by("-effective_date", "table")[: 2 * count]
    days = groupby(newest, key=lambda row: row.effective_date)
    return [day_rates(list(of_day)) for _day, of_day in days][:count]


def day_rates(rates: list[Rate]) -> DayRates:
    """`rates`: the rows of one day, table A or B before C."""
    first, proof = rates[0], rates[0].publication
    both = next((row for row in rates if row.bid is not None), None)
    return DayRates(
        day=first.effective_date,
        mid=first.published("mid"),
        bid=both.published("bid") if both else None,
        ask=both.published("ask") if both else None,
        source=first.source.name,
        tables=tuple(row.publication.number or row.table if row.publication else row.table for row in rates),
        url=proof.url if proof else "",
        sha256=proof.sha256 if proof else "",
        fetched_at=proof.fetched_at if proof else None,
    )
