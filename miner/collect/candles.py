"""One cycle of candles: what is new of every followed symbol in one timeframe, and the keys that others read.

A symbol without candles gets its newest thousand, any other what came since its last one: two candles, as a rule.
"""

import logging
import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.db.models import OuterRef, Subquery

from markets import clock, timeframes
from markets.jobs import hourly, runs
from markets.models import Candle, Listing, Source
from markets.records import Bar
from markets.redis import market_keys
from markets.store.prices import save_bars
from miner import sources
from miner.collect import backoff, sync_status
from miner.collect import prices as price_collector
from miner.fetch import rate_limit, retry
from miner.fetch.errors import ProviderError, UnknownTicker, Unreachable, Unreadable
from miner.models import SyncStatus
from miner.providers.base import CandleSource

logger = logging.getLogger(__name__)

FIRST = 1000
# The last closed candle may still be corrected, and the open one is always asked for.
NEWEST = 2
CONNECTIONS = 4
PATIENCE = 20.0
# Candles that are written at once.
LOT = 5_000


# The candles, or what is wrong with one symbol.
Answer = list[Bar] | ProviderError


@dataclass(frozen=True, slots=True)
class Question:
    listing: Listing
    start: datetime | None
    limit: int

    @property
    def is_usual(self) -> bool:
        return self.start is not None or self.limit == NEWEST


@dataclass(slots=True)
class Cycle:
    """What one cycle brought; `failed` by ticker."""

    bars: int = 0
    written: int = 0
    revised: int = 0
    refused: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0


def refresh(source: Source, timeframe: str, symbols: Sequence[str] | None = None, first: int = FIRST) -> Cycle:
    """Bring the candles of a timeframe up to now; raises what ended the cycle for all symbols."""
    cycle, questions = Cycle(), plan(source, timeframe, symbols, first)
    if not questions:
        return cycle
    try:
        questions = listed(source, questions, cycle)
        with closing(fetch(source, timeframe, questions, cycle)) as lots:
            for bars in lots:
                keep(bars, source, cycle)
    except ProviderError as error:
        backoff.back_off(source, error)
        raise
    announce(source, timeframe, [question.listing for question in questions])
    return cycle


def refresh_counted(source: Source, timeframe: str) -> Cycle:
    """One cycle, counted in the hourly Job row of its poll."""
    with hourly.poll(f"{source.code}.candles.{timeframe}", source) as count:
        cycle = refresh(source, timeframe)
        count.rows, count.revised, count.refused = cycle.written, cycle.revised, len(cycle.refused)
        count.requests, count.retries, count.waited_seconds = cycle.requests, cycle.retries, cycle.waited_seconds
        count.errors = len(cycle.failed)
    return cycle


def keep(bars: Sequence[Bar], source: Source, cycle: Cycle) -> None:
    outcome = save_bars(bars, source)
    cycle.bars += len(bars)
    cycle.written += outcome.written
    cycle.revised += outcome.revised
    cycle.refused += outcome.refused
    cycle.gaps += outcome.gaps


def plan(source: Source, timeframe: str, symbols: Sequence[str] | None, first: int) -> list[Question]:
    """What to ask for each symbol; one query, whatever the length of the history."""
    seconds = timeframes.SECONDS[timeframe]
    last = Candle.objects.filter(instrument=OuterRef("instrument"), timeframe=timeframe, source=source)
    newest = Subquery(last.order_by("-open_time").values("open_time")[:1])
    now, questions = clock.now(), []
    for listing in price_collector.followed(source).annotate(last=newest):
        start = listing.last
        if symbols is not None and listing.ticker not in symbols:
            continue
        if start is None:
            questions.append(Question(listing, None, first))
        elif (now - start).total_seconds() < 2 * seconds:
            questions.append(Question(listing, None, NEWEST))
        else:
            questions.append(Question(listing, start, FIRST))
    return questions


def listed(source: Source, questions: list[Question], cycle: Cycle) -> list[Question]:
    """Before first candles, once a day: the questions without the symbols that are not traded there.

    The same answer tells what a minute allows.
    """
    if all(question.is_usual for question in questions) or rate_limit.is_known(source):
        return questions
    provider, allowance = sources.candle_source_of(source), sources.allowance_of(source)
    rate_limit.take(source, allowance, patience=PATIENCE / 2)
    cycle.requests += 1
    traded = provider.fetch_tickers()
    rate_limit.record_allowed(source, provider.allowed)
    rate_limit.answered(source, allowance, provider.used)
    there = [question for question in questions if question.listing.ticker in traded]
    for question in questions:
        if question.listing.ticker not in traded:
            leave_out(question.listing, UnknownTicker("not traded there"), cycle)
    return there


def fetch(source: Source, timeframe: str, questions: Sequence[Question], cycle: Cycle) -> Generator[list[Bar]]:
    """All answers; what is wrong with one symbol is told and left out, anything else ends the cycle.

    Two candles of every symbol are one lot. First ones come in several, so that writing overlaps with waiting. All
    questions go at once, so that nobody asks again, nor goes on asking, after a 429: those who do are banned.
    """
    provider = sources.candle_source_of(source)
    allowance, traffic = sources.allowance_of(source), retry.Traffic()
    until = time.monotonic() + PATIENCE
    cycle.waited_seconds = rate_limit.take(source, allowance, len(questions), patience=PATIENCE / 2)

    one = partial(answer_of, provider, timeframe, traffic, until)
    try:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            try:
                yield from lots(zip(questions, pool.map(one, questions), strict=True), cycle)
            finally:
                traffic.stop()  # who still waits for its turn then need not ask: nobody wants the answer any more
    finally:
        rate_limit.spent(source, allowance, traffic.requests - len(questions))
        cycle.requests += traffic.requests
        cycle.retries += traffic.retries
        cycle.waited_seconds += traffic.waited_seconds
    rate_limit.answered(source, allowance, provider.used)


def lots(answers: Iterable[tuple[Question, Answer]], cycle: Cycle) -> Generator[list[Bar]]:
    """What came, also before an error that ends the cycle."""
    bars: list[Bar] = []
    try:
        for question, answer in answers:
            if isinstance(answer, ProviderError):
                leave_out(question.listing, answer, cycle)
            else:
                bars += answer
            if len(bars) >= LOT:
                yield bars
                bars = []
    except ProviderError:
        if bars:
            yield bars
        raise
    if bars:
        yield bars


def answer_of(
    provider: CandleSource, timeframe: str, traffic: retry.Traffic, until: float, question: Question
) -> Answer:
    """Tried again where that may help; an error that is about this symbol alone is its answer."""

    def once() -> Answer:
        try:
            return ask(provider, timeframe, question)
        except Unreadable as error:
            return error
        except Unreachable as error:
            if backoff.is_final(error):
                traffic.stop(error)
            raise

    return retry.call(once, traffic, PATIENCE, until)


def ask(provider: CandleSource, timeframe: str, question: Question) -> list[Bar] | UnknownTicker:
    """One symbol; that they do not list it is an answer about that symbol, and no failure of the run."""
    try:
        return provider.fetch_candles(question.listing.ticker, timeframe, question.start, question.limit)
    except UnknownTicker as error:
        return error


def leave_out(listing: Listing, error: ProviderError, cycle: Cycle) -> None:
    words = runs.scrub(str(error))
    cycle.failed[listing.ticker] = words
    unknown = isinstance(error, UnknownTicker)
    sync_status.mark([listing], SyncStatus.State.FAILED, "unknown" if unknown else error.reason, words)
    logger.warning("%s gives no candles of %s: %s", listing.source.code, listing.ticker, words)


def announce(source: Source, timeframe: str, listings: Sequence[Listing]) -> None:
    """The keys that other programs read, and the message that they are new; the slowest timeframe ends a scan."""
    codes = {row.instrument_id: row.instrument.code for row in listings}
    market_keys.keep_candles(source, timeframe, codes)
    if timeframe == list(timeframes_of(source))[-1]:
        market_keys.scanned(codes)


def timeframes_of(source: Source) -> dict[str, int]:
    """Seconds of each timeframe that is asked for at this source, the shortest first."""
    provider = sources.provider_of(source)
    return dict(provider.timeframes) if isinstance(provider, CandleSource) else {}
