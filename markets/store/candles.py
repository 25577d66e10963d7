"""The only writer of candles. What is unchanged costs a look and no write."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from markets import clock, events, timeframes
from markets.messages import Message
from markets.models import Gap, Job, Source
from markets.records import Bar
from markets.store import bulk, copying, gaps, listings, outbox, price_validation, stored_candles
from markets.store.listings import SaveResult
from markets.store.stored_candles import COLUMNS, REPLACE, TABLE, CandleValues, Found, Place

# By timeframe: stretches of the grid, those in which a candle began that fits into none, or whose candle is refused.
Places = dict[str, set[Place]]


def save_bars(
    bars: Sequence[Bar], source: Source, job: Job | None = None, answered: gaps.Answered | None = None
) -> SaveResult:
    """What `save_timeframes` does, and what came of it in all."""
    return listings.summed(save_timeframes(bars, source, job, answered).values())


def save_timeframes(
    bars: Sequence[Bar], source: Source, job: Job | None = None, answered: gaps.Answered | None = None
) -> dict[str, SaveResult]:
    """Write the candles of any number of series; all of it or nothing. `answered` says what was asked for in whole.
    Answers what came of each timeframe.

    An open candle is replaced until it is closed, and a roll-up of ours by what its source publishes. A closed one that
    its source changed is replaced as well and counted as revised; an open one never takes the place of a closed one,
    for that is an answer that came late.
    One look a timeframe and ten statements for all, BEGIN and COMMIT among them, whatever the number of series and the
    length of their history: give it the whole cycle at once.
    """
    outcomes: dict[str, SaveResult] = defaultdict(SaveResult)
    with transaction.atomic():
        has_gaps = listings.lock(source)
        tickers = of_tickers(bars, source, outcomes)
        found_by_timeframe, off_grid, refused = sift(bars, tickers, outcomes)
        batch = Batch(source, outcomes, {pk: ticker for ticker, pk in tickers.items()})
        for timeframe, found in found_by_timeframe.items():
            batch.add(timeframe, found, off_grid[timeframe])
        batch.write(job)
        if has_gaps:
            close_gaps(source, found_by_timeframe, off_grid)
        asked = gaps.close_answered(source, answered) if has_gaps and answered else {}
        if answered:
            batch.missing += refused_places(source, refused)
        gaps.record(source, Gap.Reason.MISSING, batch.missing)
        if asked and answered:
            gaps.put_off_missing(source, answered, asked)
        listings.record(job, listings.summed(outcomes.values()))
    return outcomes


def of_tickers(bars: Sequence[Bar], source: Source, outcomes: dict[str, SaveResult]) -> dict[str, int]:
    """Instruments by ticker; each timeframe is told which of its own are not listed."""
    strangers = SaveResult()
    found = listings.instruments(source, {bar.ticker for bar in bars}, strangers)
    unlisted = {(bar.timeframe, bar.ticker) for bar in bars if bar.ticker not in found}
    for timeframe, ticker in sorted(unlisted):
        outcome, message = outcomes[timeframe], strangers.against[ticker]
        outcome.unknown.append(ticker)
        outcome.against[ticker] = message
        outcome.refused.append(message)
    return found


class Batch:
    """What one save is about to write: candles, the news of them, and the gaps between them."""

    def __init__(self, source: Source, outcomes: dict[str, SaveResult], tickers: dict[int, str]) -> None:
        self.source, self.outcomes, self.tickers = source, outcomes, tickers
        self.fresh: list[tuple[Any, ...]] = []
        self.changed: list[tuple[Any, ...]] = []
        self.news: list[outbox.Arrival] = []
        self.missing: list[gaps.Missing] = []

    def add(self, timeframe: str, found: Found, off_grid: set[Place]) -> None:
        held, outcome = stored_candles.stored(timeframe, found, self.source), self.outcomes[timeframe]
        moments = {start: bulk.moment(start) for start in {start for _, start in found}}
        series: dict[int, list[datetime]] = defaultdict(list)
        for place, new in changes(found, held, outcome):
            rows = self.changed if place in held else self.fresh
            rows.append(stored_candles.row(place, moments[place[1]], timeframe, self.source, new))
            series[place[0]].append(place[1])
        table = f"{gaps.CANDLES}{timeframe}"
        for instrument, times in series.items():
            self.news.append(outbox.Arrival(instrument, table, min(times), max(times), len(times)))
        # What was published off the grid is refused and not missing: nobody need ask for it again.
        for instrument, hole in stored_candles.holes(timeframe, {*found, *off_grid}, held, self.source):
            self.missing.append(gaps.Missing(table, instrument, hole.first, hole.last))
            words = f"{hole.missing} missing from {hole.first.isoformat()}"
            outcome.gaps.append(f"{self.tickers[instrument]} {timeframe}: {words}")

    def write(self, job: Job | None) -> None:
        copying.insert(TABLE, tuple(COLUMNS), self.fresh)
        bulk.insert(TABLE, COLUMNS, self.changed, REPLACE)
        if self.news:
            events.ingested.send(sender=Job, job=job, kinds=outbox.write(self.news, job))


def refused_places(source: Source, refused: Places) -> list[gaps.Missing]:
    """Candles that may not in, where none is stored: those at the edge of a history have no neighbours to tell."""
    return [
        gaps.Missing(f"{gaps.CANDLES}{timeframe}", instrument, start, start)
        for timeframe, places in refused.items()
        for instrument, start in places - stored_candles.stored(timeframe, places, source).keys()
    ]


def close_gaps(source: Source, found_by_timeframe: dict[str, Found], off_grid: Places) -> None:
    arrived: dict[gaps.Key, list[gaps.Span]] = defaultdict(list)
    for timeframe in found_by_timeframe.keys() | off_grid.keys():
        for instrument, start in {*found_by_timeframe.get(timeframe, ()), *off_grid.get(timeframe, ())}:
            arrived[f"{gaps.CANDLES}{timeframe}", instrument].append((start, start))
    if arrived:
        times = [start for spans in arrived.values() for start, _ in spans]
        rows = gaps.overlapping(source, {table for table, _ in arrived}, min(times), max(times))
        gaps.close(rows, arrived)


def sift(
    bars: Iterable[Bar], known: dict[str, int], outcomes: dict[str, SaveResult]
) -> tuple[dict[str, Found], Places, Places]:
    """What may in, by timeframe, of two candles for one stretch the last one given; where candles ran off the grid, and
    where others were refused.

    These are refused with one sentence a series: after an outage a market may go on in the middle of an hour.
    """
    now = clock.now()
    accepted: dict[str, Found] = defaultdict(dict)
    strays: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    refused: Places = defaultdict(set)
    for bar in bars:
        if bar.ticker not in known:
            continue
        reason = price_validation.against_bar(bar, now)
        if reason == price_validation.OFF_GRID:
            strays[bar.ticker, bar.timeframe].append(bar.open_time)
        elif reason:
            outcomes[bar.timeframe].refused.append(named(bar.ticker, bar.timeframe, bar.open_time, reason))
            refused[bar.timeframe].add((known[bar.ticker], bar.open_time))
        else:
            accepted[bar.timeframe][known[bar.ticker], bar.open_time] = values_of(bar, now)
    off_grid: Places = defaultdict(set)
    for (ticker, timeframe), times in strays.items():
        outcomes[timeframe].refused.append(described(ticker, timeframe, times))
        seconds = timeframes.SECONDS[timeframe]
        off_grid[timeframe] |= {(known[ticker], timeframes.start_of(start, seconds)) for start in times}
    return accepted, off_grid, refused


def described(ticker: str, timeframe: str, times: Sequence[datetime]) -> Message:
    if len(times) == 1:
        return named(ticker, timeframe, times[0], price_validation.OFF_GRID)
    ends = {"first": min(times), "last": max(times)}
    return Message("several_off_grid", ticker=ticker, timeframe=timeframe, count=len(times), **ends)


def named(ticker: str, timeframe: str, moment: datetime, reason: str) -> Message:
    return Message("candle", ticker=ticker, timeframe=timeframe, moment=moment, reason=reason)


def values_of(bar: Bar, now: datetime) -> CandleValues:
    """A candle that nothing was traded in is the price before it, written down again."""
    volume = price_validation.fitted(bar.volume)
    closed, synthetic = bar.close_time <= now, volume == 0
    return CandleValues(bar.open, bar.high, bar.low, bar.close, volume, bar.trades, closed, synthetic)


def changes(found: Found, held: Found, outcome: SaveResult) -> Iterator[tuple[Place, CandleValues]]:
    """What is new or says something else than the stored candle."""
    for place, new in found.items():
        old = held.get(place)
        if old == new or (old is not None and old.closed and not new.closed):
            continue
        if old is None:
            outcome.inserted += 1
        elif old.closed and old.pieces is None:
            outcome.revised += 1
        else:
            outcome.replaced += 1
        yield place, new
