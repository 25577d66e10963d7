"""The newest price of an instrument, and which source answers for it.

Where several sources price one instrument, one of them answers: a fresh price before a stale one, a price of the
market before the close of a day or an official rate, then the source whose listing is the more urgent, then the one
that is asked more often. So EURUSD falls back to an official rate, and every answer names its source.

What that source does not say (the change of a day, bid and ask, the day's bar) comes from the next fresh one that says
it. A group comes from one source as a whole: a bid of one and an ask of another would make a spread that nobody offers.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from markets import clock
from markets.clock import SKEW
from markets.instruments import redenominations
from markets.licence import Audience, shown_to
from markets.models import Listing, Quote, Source, Tick
from markets.queries.asked_once import MOMENTS, NUMBERS, PreparedQuestion

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
# Two beats may be missed and half a one be late.
LATE = 2.5
# Easter, and a public holiday beside it.
LONGEST_PAUSE = timedelta(days=5)
UNLISTED = Listing.Priority.LOW + 1
QUOTE_COLUMNS = (
    *("instrument_id", "instrument__code", "instrument__scale"),
    *("source_id", "source__code", "source__polling_interval", "source__rotating"),
    *("table", "effective_date", "observed_at", "price", "end_of_day", "priority", "day_ago"),
    *("bid", "ask", "change", "open", "high", "low", "close", "volume"),
)
# What is filled from another source, by its name in answers. The day's bar is known by its high: a volume alone may
# count another unit (dollars, not coins).
GROUPS = {"bid_ask": ("bid", "ask"), "change24h": ("change",), "daily": ("high", "open", "low", "close", "volume")}


@dataclass(frozen=True, slots=True)
class LatestPrice:
    """The newest price of an instrument at one source; `table` is empty for a market's."""

    instrument: int
    code: str
    scale: int
    source_id: int
    source: str
    polling_interval: int
    table: str
    ts: datetime
    price: Decimal
    end_of_day: bool
    stale: bool
    priority: int
    bid: Decimal | None
    ask: Decimal | None
    change: Decimal | None
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    volume: Decimal | None
    # By the name of a group: the source that it was filled from.
    filled_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[bool, bool, int, int, str]:
        return self.stale, self.end_of_day, self.priority, self.polling_interval, self.source


def newest(audience: Audience, instruments: Collection[int], source: Source | None = None) -> dict[int, LatestPrice]:
    """By instrument, of the source that answers for it; one query, whose SQL took Django longer than its rows."""
    if not instruments:
        return {}
    now = clock.now()
    of_one = [source.pk] if source else []
    rows = question(audience, len(of_one)).rows_of(list(instruments), now - DAY - HOUR, now - DAY, *of_one)
    found: dict[int, list[LatestPrice]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(judged(dict(zip(QUOTE_COLUMNS, row, strict=True)), now))
    return {instrument: filled(sorted(rows, key=lambda row: row.rank)) for instrument, rows in found.items()}


@cache
def question(audience: Audience, sources: int) -> PreparedQuestion:
    def asked(instruments: tuple[int], since: datetime, until: datetime, *source: int) -> "QuerySet[Quote, Any]":
        listed = Listing.objects.filter(instrument=OuterRef("instrument"), source=OuterRef("source"))
        before = Tick.objects.filter(
            instrument=OuterRef("instrument"), source=OuterRef("source"), observed_at__gt=since, observed_at__lte=until
        ).order_by("-observed_at")
        quotes = Quote.objects.filter(shown_to(audience), instrument__in=instruments).annotate(
            priority=Subquery(listed.values("priority")[:1]), day_ago=Subquery(before.values("price")[:1])
        )
        return quotes.filter(**dict(zip(("source",), source, strict=False))).values_list(*QUOTE_COLUMNS)

    return PreparedQuestion(asked, (NUMBERS[0],), *MOMENTS[:2], *NUMBERS[1 : 1 + sources])


def filled(rows: list[LatestPrice]) -> LatestPrice:
    """The first row, and what it does not say from the next one that does: fresh, and of the same kind of price."""
    best, *others = rows
    able = [row for row in others if not row.stale and row.end_of_day == best.end_of_day]
    more: dict[str, Any] = {}
    origins = {}
    for group, names in GROUPS.items():
        if getattr(best, names[0]) is None and (other := first_with(names[0], able)):
            more |= {name: getattr(other, name) for name in names}
            origins[group] = other.source
    return replace(best, **more, filled_from=origins) if origins else best


def first_with(name: str, rows: Iterable[LatestPrice]) -> LatestPrice | None:
    return next((row for row in rows if getattr(row, name) is not None), None)


def judged(row: Mapping[str, Any], now: datetime) -> LatestPrice:
    """A row of `quotes` with its age judged; an official rate is of its day, whenever we fetched it."""
    code, day = row["instrument__code"], row["effective_date"]
    ts = row["observed_at"] if day is None else midnight(day)
    urgent = UNLISTED if row["priority"] is None else row["priority"]
    interval = interval_of(row["source__polling_interval"], urgent, rotating=row["source__rotating"])
    allowed = fresh_for(interval, end_of_day=row["end_of_day"])
    age = now - ts
    # A price of a moment that has not come says nothing of now: a clock was wrong, the source's or ours.
    stale = not -SKEW <= age <= allowed if day is None else age > LONGEST_PAUSE
    change = row["change"]
    is_comparable = not stale and not redenominations.crosses(code, (now - DAY).date(), ts.date())
    if change is None and row["day_ago"] is not None and is_comparable:
        change = (row["price"] / row["day_ago"] - 1) * 100
    return LatestPrice(
        instrument=row["instrument_id"],
        code=code,
        scale=row["instrument__scale"],
        source_id=row["source_id"],
        source=row["source__code"],
        polling_interval=interval,
        ts=ts,
        end_of_day=row["end_of_day"] or day is not None,
        stale=stale,
        priority=urgent,
        change=change,
        **{name: row[name] for name in ("table", "price", "bid", "ask", "open", "high", "low", "close", "volume")},
    )


def interval_of(polling_interval: int, priority: int, *, rotating: bool) -> int:
    """Seconds between two prices: what is not critical at a source with few calls takes turns."""
    if rotating and priority > Listing.Priority.CRITICAL:
        return max(polling_interval, settings.BATCH_ENQUEUE_MINUTES * 60)
    return polling_interval


def fresh_for(interval: int, *, end_of_day: bool) -> timedelta:
    """How old the newest price of a market may be."""
    return timedelta(seconds=LATE * (DAY.total_seconds() if end_of_day else interval))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
