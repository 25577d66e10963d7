"""The only writer of market prices: the newest of each instrument (Quote) and every one of them (Tick)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from markets import clock, events
from markets.decimals import scale_of
from markets.models import Job, Quote, Source, Tick
from markets.records import Price
from markets.store import bulk, gaps, listings, outbox, price_validation
from markets.store.candles import save_bars, save_timeframes
from markets.store.listings import SaveResult
from markets.store.retention import prune

__all__ = ["SaveResult", "prune", "save_bars", "save_prices", "save_timeframes"]

PricesByInstrument = dict[int, list[Price]]

TICK = Tick._meta.db_table
TICK_COLUMNS = {
    "instrument_id": "bigint",
    "source_id": "bigint",
    "observed_at": "timestamptz",
    "price": "numeric",
    "bid": "numeric",
    "ask": "numeric",
    "volume": "numeric",
}
NOT_TWICE = "ON CONFLICT (instrument_id, source_id, observed_at) DO NOTHING"

QUOTE = Quote._meta.db_table
VALUES = {
    "observed_at": "timestamptz",
    "price": "numeric",
    "scale": "smallint",
    "bid": "numeric",
    "ask": "numeric",
    "open": "numeric",
    "high": "numeric",
    "low": "numeric",
    "close": "numeric",
    "volume": "numeric",
    "change": "numeric",
    "end_of_day": "boolean",
}
QUOTE_COLUMNS = {"instrument_id": "bigint", "source_id": "bigint", "table": "text"} | VALUES
# A price older than the one that is held leaves it alone; one of the same moment corrects it. One that is held of a
# moment that has not come was written by a clock that was wrong: it gives way.
NEWEST = (
    "ON CONFLICT (instrument_id, source_id) DO UPDATE SET "
    + "".join(
        f"{name} = CASE WHEN excluded.observed_at > {QUOTE}.observed_at THEN {QUOTE}.{held} ELSE {QUOTE}.{name} END, "
        for name, held in (("previous", "price"), ("previous_scale", "scale"))
    )
    + ", ".join(f'"{name}" = excluded."{name}"' for name in VALUES)
    + f" WHERE excluded.observed_at >= {QUOTE}.observed_at OR {QUOTE}.observed_at > "
)


def save_prices(
    prices: Sequence[Price], source: Source, job: Job | None = None, answered: gaps.Answered | None = None
) -> SaveResult:
    """Write what a source said: each price once, and the newest of each instrument. All of it or nothing.

    `answered` says what was asked for in whole: no gap of it is left.

    An older price becomes a tick and never the quote. Six statements, however many prices they are.
    """
    outcome = SaveResult()
    with transaction.atomic():
        listings.lock(source)
        series = sift(prices, source, outcome)
        outcome.inserted = bulk.insert(TICK, TICK_COLUMNS, ticks(series, source), NOT_TWICE)
        write_quotes(series, source, outcome)
        if outcome.inserted:
            kinds = outbox.write(arrivals(series), job)
            events.ingested.send(sender=Job, job=job, kinds=kinds)
        if answered:
            gaps.close_answered(source, answered)
        listings.record(job, outcome)
    return outcome


def sift(prices: Sequence[Price], source: Source, outcome: SaveResult) -> PricesByInstrument:
    """What may in, by instrument and ascending; of one moment the last that was said."""
    now = clock.now()
    known = listings.instruments(source, {price.ticker for price in prices}, outcome)
    accepted: dict[int, dict[datetime, Price]] = defaultdict(dict)
    for given in prices:
        if given.ticker not in known:
            continue
        price = price_validation.tidy(given)
        if reason := price_validation.against_price(price, now):
            outcome.refuse(price.ticker, reason)
        else:
            accepted[known[price.ticker]][price.observed_at] = price
    return {instrument: [found[moment] for moment in sorted(found)] for instrument, found in accepted.items()}


def arrivals(series: PricesByInstrument) -> list[outbox.Arrival]:
    """What was given of each instrument; prices of it that were known already count as well."""
    return [
        outbox.Arrival(instrument, outbox.PRICE, prices[0].observed_at, prices[-1].observed_at, len(prices))
        for instrument, prices in series.items()
    ]


def ticks(series: PricesByInstrument, source: Source) -> list[tuple[Any, ...]]:
    return [
        (instrument, source.pk, bulk.moment(price.observed_at), *map(bulk.digits, figures_of(price)))
        for instrument, prices in series.items()
        for price in prices
    ]


def figures_of(price: Price) -> tuple[Decimal | None, ...]:
    return price.price, price.bid, price.ask, price.volume


def write_quotes(series: PricesByInstrument, source: Source, outcome: SaveResult) -> None:
    """The newest two of each, one after the other: the first of them is what the second one's `previous` will be."""
    newest = f"{NEWEST}'{bulk.moment(clock.now() + clock.SKEW)}'"
    for back in (2, 1):
        rows = [
            quote(instrument, prices[-back], source) for instrument, prices in series.items() if len(prices) >= back
        ]
        written = bulk.insert(QUOTE, QUOTE_COLUMNS, rows, newest)
    if series:
        outcome.quotes = written


def quote(instrument: int, price: Price, source: Source) -> tuple[Any, ...]:
    values = (price.bid, price.ask, price.open, price.high, price.low, price.close, price.volume, price.change)
    head = (instrument, source.pk, "", bulk.moment(price.observed_at), bulk.digits(price.price), scale_of(price.price))
    return (*head, *(bulk.digits(value) for value in values), price.end_of_day)
