"""The gaps of candles and prices that are asked for again: those never tried, then those whose next try is due."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.dispatch import Signal

from markets import clock
from markets.models import Gap, Listing, Source
from markets.queries import gaps as gap_queries
from markets.store import retention
from markets.store.gaps import CANDLES, PRICES
from miner import sources
from miner.collect import history_requests, window_plan
from miner.collect import prices as price_collector
from miner.providers.base import CandleSource

# The task is enqueued by a receiver, so that no name of one is here.
gaps_due = Signal()
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
Found = list[tuple[Gap, Listing]]
Which = Callable[[Gap], bool]


def every_gap(_: Gap) -> bool:
    return True


def due_tables(source: Source, all_before: datetime | None = None) -> list[str]:
    """The series of a market of which something is to be asked for again."""
    provider = sources.provider_of(source)
    names = [f"{CANDLES}{timeframe}" for timeframe in provider.timeframes] if isinstance(provider, CandleSource) else []
    if history_requests.has_history(provider):
        names.append(PRICES)
    there = set(gap_queries.missing(source).filter(table__in=names).order_by().values_list("table", flat=True))
    return [name for name in names if name in there and due(source, name, all_before)]


def due(source: Source, table: str, all_before: datetime | None = None, which: Which = every_gap) -> Found:
    """Open gaps of what is followed: all that were never tried, newest first, then so many spans as of a table.

    One span of many symbols is one: they failed together and are asked for together.
    """
    listings, first = asked_of(source, table), reach(source, table)
    rows = [row for row in gap_queries.of_series(source, table) if row.instrument_id in listings]
    rows = [row for row in rows if row.to_time >= first and which(row)]
    found = [row for row in reversed(rows) if window_plan.is_untried(row)]
    tried = [row for row in rows if row.tries and window_plan.is_due(row, all_before)]
    spans: dict[Span, list[Gap]] = defaultdict(list)
    for row in sorted(tried, key=lambda row: row.next_try or clock.now()):
        spans[row.from_time, row.to_time].append(row)
    for again in list(spans.values())[: window_plan.MOST_AGAIN if all_before is None else None]:
        found += again
    return [(row, listings[row.instrument_id]) for row in found if row.instrument_id]


def asked_of(source: Source, table: str) -> dict[int, Listing]:
    """What is followed, by instrument, without those whose first past a poll asks for until it is there."""
    rows = price_collector.followed(source)
    if table == PRICES:
        rows = rows.exclude(sync__past_asked_at__isnull=False, sync__past_at=None)
    return {row.instrument_id: row for row in rows}


def reach(source: Source, table: str) -> datetime:
    """From when on anything can still be had."""
    now = clock.now()
    if table == f"{CANDLES}{retention.SHORT_LIVED}":
        return now - DAY * settings.RETENTION_DAYS
    days = getattr(sources.provider_of(source), "history_days", 0) if table == PRICES else 0
    return now - DAY * days if days else datetime.min.replace(tzinfo=UTC)


def due_prices(
    source: Source, all_before: datetime | None = None, which: Which = every_gap
) -> dict[tuple[date, date], list[str]]:
    """The tickers of each span of days whose prices are due."""
    spans: dict[tuple[date, date], list[str]] = defaultdict(list)
    for row, listing in due(source, PRICES, all_before, which):
        spans[window_plan.days_of(row)].append(listing.ticker)
    return spans
