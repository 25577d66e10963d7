"""One cycle of candles: what is new of every followed symbol in one timeframe, and the keys that others read.

A symbol without candles gets its newest thousand, any other what came since its last one: two candles, as a rule.
"""

from collections.abc import Sequence
from contextlib import closing

from django.db.models import OuterRef, Subquery

from markets import clock, timeframes
from markets.jobs import hourly
from markets.messages import Message
from markets.models import Candle, Listing, Source
from markets.records import Bar
from markets.redis import market_keys
from markets.store.prices import save_bars
from miner import sources
from miner.collect import backoff, candle_requests, failures
from miner.collect import prices as price_collector
from miner.collect.candle_requests import Cycle, Question
from miner.fetch import rate_limit
from miner.fetch.errors import ProviderError, UnknownTicker
from miner.providers.base import CandleSource

FIRST = 1000


def refresh(source: Source, timeframe: str, symbols: Sequence[str] | None = None, first: int = FIRST) -> Cycle:
    """Bring the candles of a timeframe up to now; raises what ended the cycle for all symbols."""
    cycle, questions = Cycle(), plan(source, timeframe, symbols, first)
    if not questions:
        return cycle
    try:
        questions = listed(source, questions, cycle)
        with closing(candle_requests.fetch(source, timeframe, questions, cycle)) as lots:
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
        count.rows, count.revised, count.refused = cycle.written, cycle.revised, cycle.refused
        count.requests, count.retries, count.waited_seconds = cycle.requests, cycle.retries, cycle.waited_seconds
        count.errors = len(cycle.failed)
        failures.check_refused(cycle.bars, len(cycle.refused), cycle.refused)
    return cycle


def keep(bars: Sequence[Bar], source: Source, cycle: Cycle) -> None:
    outcome = save_bars(bars, source)
    cycle.bars += len(bars) - len(outcome.refused)
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
            questions.append(Question(listing, None, candle_requests.NEWEST))
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
    rate_limit.take(source, allowance, patience=candle_requests.PATIENCE / 2)
    cycle.requests += 1
    traded = provider.fetch_tickers()
    rate_limit.record_allowed(source, provider.allowed)
    rate_limit.answered(source, allowance, provider.used)
    there = [question for question in questions if question.listing.ticker in traded]
    for question in questions:
        if question.listing.ticker not in traded:
            candle_requests.leave_out(question.listing, UnknownTicker(Message("not_traded")), cycle)
    return there


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
