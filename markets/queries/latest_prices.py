"""The newest price of an instrument, and which source answers for it.

Where several sources price one instrument, one of them answers: a fresh price before a stale one, a price of the
market before the close of a day or an official rate, then the source whose listing is the more urgent, then the one
that is asked more often. So EURUSD falls back to an official rate, and every answer names its source.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import OuterRef, Subquery

from markets import clock
from markets.instruments import redenominations
from markets.licence import Audience, shown_to
from markets.models import Listing, Quote, Source, Tick

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
    *("table", "effective_date", "observed_at", "price", "bid", "ask", "change", "end_of_day"),
    *("priority", "day_ago"),
)


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
    bid: Decimal | None
    ask: Decimal | None
    change: Decimal | None
    end_of_day: bool
    stale: bool
    priority: int

    @property
    def rank(self) -> tuple[bool, bool, int, int, str]:
        return self.stale, self.end_of_day, self.priority, self.polling_interval, self.source


def newest(audience: Audience, instruments: Collection[int], source: Source | None = None) -> dict[int, LatestPrice]:
    """By instrument, of the source that answers for it; one query."""
    now = clock.now()
    listed = Listing.objects.filter(instrument=OuterRef("instrument"), source=OuterRef("source"))
    before = Tick.objects.filter(
        instrument=OuterRef("instrument"),
        source=OuterRef("source"),
        observed_at__gt=now - DAY - HOUR,
        observed_at__lte=now - DAY,
    ).order_by("-observed_at")
    quotes = Quote.objects.filter(shown_to(audience), instrument__in=instruments).annotate(
        priority=Subquery(listed.values("priority")[:1]), day_ago=Subquery(before.values("price")[:1])
    )
    if source is not None:
        quotes = quotes.filter(source=source)
    found: dict[int, LatestPrice] = {}
    for values in quotes.values_list(*QUOTE_COLUMNS):
        row = judged(*values, now=now)
        held = found.setdefault(row.instrument, row)
        if row.rank < held.rank:
            found[row.instrument] = row
    return found


def judged(
    instrument: int,
    code: str,
    scale: int,
    source_id: int,
    source: str,
    polling_interval: int,
    rotating: bool,
    table: str,
    day: date | None,
    observed_at: datetime,
    price: Decimal,
    bid: Decimal | None,
    ask: Decimal | None,
    change: Decimal | None,
    end_of_day: bool,
    priority: int | None,
    day_ago: Decimal | None,
    *,
    now: datetime,
) -> LatestPrice:
    """A row of `quotes` with its age judged; an official rate is of its day, whenever we fetched it."""
    ts = observed_at if day is None else midnight(day)
    urgent = UNLISTED if priority is None else priority
    if rotating and urgent > Listing.Priority.CRITICAL:
        polling_interval = max(polling_interval, settings.BATCH_ENQUEUE_MINUTES * 60)
    allowed = timedelta(seconds=LATE * (DAY.total_seconds() if end_of_day else polling_interval))
    stale = now - ts > (allowed if day is None else LONGEST_PAUSE)
    is_comparable = not stale and not redenominations.crosses(code, (now - DAY).date(), ts.date())
    if change is None and day_ago is not None and is_comparable:
        change = (price / day_ago - 1) * 100
    return LatestPrice(
        *(instrument, code, scale, source_id, source, polling_interval, table, ts, price, bid, ask, change),
        *(end_of_day or day is not None, stale, urgent),
    )


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
