"""What the markets said of an instrument: the newest price, prices over time and what they come to.

Where several sources price one instrument, one of them answers: a fresh price before a stale one, a price of the
market before the close of a day or an official rate, then the source whose listing is the more urgent, then the one
that is asked more often. So EURUSD falls back to an official rate, and every answer names its source.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Subquery

from markets import clock
from markets.errors import QuestionError, UnknownCodeError
from markets.instruments.find import find
from markets.licence import Audience, refuse, shown_to
from markets.models import Instrument, Listing, Quote, Rate, Source, Tick
from markets.queries.listed import nearest_assets
from markets.queries.rates import find_source

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST = timedelta(days=366)
DAY = timedelta(days=1)
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


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Prices of one instrument over time: rows of (moment or day, price), ascending, and who said them."""

    source: str | None
    rows: "models.QuerySet[Any, Any]"
    scale: int


def window(text: str) -> timedelta:
    """`30m`, `24h`, `7d`."""
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    length = int(found[1]) * UNITS[found[2]] if found else timedelta(0)
    if not found or not timedelta(0) < length <= LONGEST:
        message = f"window {text!r} is no length of time from 1m to {LONGEST.days}d; write 30m, 24h or 7d"
        raise QuestionError(message, {"window": text, "examples": ["30m", "24h", "7d"]})
    return length


def find_asset(text: str) -> Instrument:
    """By code or alias; what nobody knows comes back with its neighbours."""
    instrument = find(text)
    if instrument is None:
        raise UnknownCodeError(f"There is no asset {text!r}", {"nearest": nearest_assets(text)})
    return instrument


def newest(audience: Audience, instruments: Collection[int], source: Source | None = None) -> dict[int, LatestPrice]:
    """By instrument, of the source that answers for it; one query."""
    now = clock.now()
    listed = Listing.objects.filter(instrument=OuterRef("instrument"), source=OuterRef("source"))
    before = Tick.objects.filter(
        instrument=OuterRef("instrument"),
        source=OuterRef("source"),
        observed_at__gt=now - DAY - UNITS["h"],
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
    if change is None and day_ago is not None and not stale:
        change = (price / day_ago - 1) * 100
    return LatestPrice(
        *(instrument, code, scale, source_id, source, polling_interval, table, ts, price, bid, ask, change),
        *(end_of_day or day is not None, stale, urgent),
    )


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def series(instrument: Instrument, length: timedelta, audience: Audience, source: str | None = None) -> PriceSeries:
    """The prices of the last stretch of time, of the source that answers or of the one that was asked for."""
    named = find_source(source) if source else None
    if named is not None:
        refuse(named, audience)
    chosen = newest(audience, [instrument.pk], named).get(instrument.pk)
    if chosen is None:
        return PriceSeries(named.code if named else None, Tick.objects.none().values_list("observed_at", "price"), 0)
    since = clock.now() - length
    of_it = {"instrument": instrument, "source": chosen.source_id}
    if chosen.table:
        rates = Rate.objects.filter(**of_it, table=chosen.table, mid__isnull=False, effective_date__gte=since.date())
        return PriceSeries(
            chosen.source, rates.order_by("effective_date").values_list("effective_date", "mid"), chosen.scale
        )
    ticks = Tick.objects.filter(**of_it, observed_at__gt=since)
    return PriceSeries(chosen.source, ticks.order_by("observed_at").values_list("observed_at", "price"), chosen.scale)


def points(found: PriceSeries, limit: int) -> tuple[list[dict[str, Any]], int]:
    """The newest `limit` of the series, ascending, and how many there are."""
    rows = list(found.rows.reverse()[:limit])
    total = len(rows) if len(rows) < limit else found.rows.count()
    shown = [{"ts": moment_of(when), "price": plain(price, found.scale)} for when, price in reversed(rows)]
    return shown, total


def moment_of(when: date) -> datetime:
    return when if isinstance(when, datetime) else midnight(when)


def summary(found: PriceSeries) -> dict[str, Any]:
    """Over every price of the series, however many they are; the mean is exact, with the digits of the finest price."""
    prices = [price for _, price in found.rows.iterator(chunk_size=5_000)]
    if not prices:
        return {"points": 0} | dict.fromkeys(("first", "last", "min", "max", "avg"))
    scale = max(found.scale, max(decimals(price) for price in prices))
    with localcontext(prec=50):
        mean = (sum(prices, Decimal(0)) / len(prices)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    named = {"first": prices[0], "last": prices[-1], "min": min(prices), "max": max(prices)}
    shown = {name: plain(value, found.scale) for name, value in named.items()}
    return {"points": len(prices)} | shown | {"avg": f"{mean:f}"}


def latest_rows(rows: Collection[LatestPrice]) -> Iterator[dict[str, Any]]:
    for row in rows:
        both = row.bid is not None and row.ask is not None
        yield {
            "asset": row.code,
            "price": plain(row.price, row.scale),
            "bid": plain(row.bid, row.scale),
            "ask": plain(row.ask, row.scale),
            "spread": plain(row.ask - row.bid, row.scale) if both and row.ask and row.bid else None,
            "change24h": percent(row.change),
            "ts": row.ts,
            "source": row.source,
            "stale": row.stale,
            "end_of_day": row.end_of_day,
        }


def decimals(value: Decimal) -> int:
    """How many a market's price needs: it is stored without the zeros it was written with."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def plain(value: Decimal | None, least: int) -> str | None:
    """All its digits, and as many decimals as are usual for the instrument."""
    return None if value is None else f"{value:.{max(least, decimals(value))}f}"


def percent(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.quantize(Decimal('0.0001'), ROUND_HALF_UP):f}"
