"""One cycle of candles: what is new of every followed symbol in its timeframes, and the keys that others read.

A symbol without candles gets its newest thousand, any other what came since its last one: two candles, as a rule.
"""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from django.db.models import OuterRef, Subquery

from markets import clock, timeframes
from markets.errors import is_storage_fault
from markets.jobs import hourly
from markets.messages import Message
from markets.models import Candle, Listing, Source
from markets.records import Bar
from markets.redis import market_keys
from markets.store.prices import save_timeframes
from miner import sources
from miner.collect import backoff, candle_requests, failures
from miner.collect import prices as price_collector
from miner.collect.candle_requests import Cycle, Question
from miner.fetch import rate_limit
from miner.fetch.errors import ProviderError, UnknownTicker
from miner.providers.base import CandleSource

FIRST = 1000
# No timeframe of a cycle is begun later, of the 60 s that a task may take: one may take 25, and its budget 10.
BEGIN_SECONDS = 10.0


def refresh(source: Source, timeframe: str, symbols: Sequence[str] | None = None, first: int = FIRST) -> Cycle:
    """Bring the candles of a timeframe up to now; raises what ended the cycle for all symbols."""
    cycle = refresh_all(source, [timeframe], symbols, first)[timeframe]
    if cycle.ended:
        raise cycle.ended
    return cycle


def refresh_all(
    source: Source, wanted: Sequence[str], symbols: Sequence[str] | None = None, first: int = FIRST
) -> dict[str, Cycle]:
    """Bring these timeframes up to now, in this order; what they brought is looked up and written together.

    What ends one stands in its cycle and leaves the others alone, unless the source wants to be left alone. Those that
    were not begun for that, or for want of time or budget, have no cycle: they are for a cycle of their own.
    """
    questions, until = plan(source, wanted, symbols, first), time.monotonic() + BEGIN_SECONDS
    haul, taken = Haul(source), take_together(source, questions)
    for timeframe, asked in questions.items():
        if haul.cycles and time.monotonic() >= until:
            break
        cycle = haul.cycles[timeframe] = Cycle()
        if asked:
            haul.bring(timeframe, asked, taken)
        if isinstance(cycle.ended, rate_limit.Exhausted) and not cycle.requests and len(haul.cycles) > 1:
            del haul.cycles[timeframe]
            break
        if cycle.ended and haul.is_over(cycle.ended):
            break
    haul.write()
    haul.heard()
    for timeframe, cycle in haul.cycles.items():
        if questions[timeframe] and cycle.ended is None:
            announce(source, timeframe, [question.listing for question in questions[timeframe]])
    return haul.cycles


class Haul:
    """What one cycle of a source brings: the candles that wait to be written, and how each timeframe fares."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.cycles: dict[str, Cycle] = {}
        self.waiting: list[Bar] = []
        # What the source has counted, where its answer is not recorded yet.
        self.used: list[int | None] = []

    def bring(self, timeframe: str, questions: list[Question], taken: bool) -> None:
        """Ask for one timeframe; a first cycle is written while it comes."""
        cycle = self.cycles[timeframe]
        try:
            asked = listed(self.source, questions, cycle)
            with closing(candle_requests.fetch(self.source, timeframe, asked, cycle, taken=taken)) as lots:
                for bars in lots:
                    self.waiting += bars
                    if len(self.waiting) >= candle_requests.LOT:
                        self.write()
            self.used += [cycle.used] if taken else []
        except ProviderError as error:
            cycle.ended = error
            self.heard()
            backoff.back_off(self.source, error)
        except Exception as error:
            cycle.ended = error

    def heard(self) -> None:
        """Record that the source has answered, once for all that were taken from the budget together."""
        if self.used:
            rate_limit.answered(self.source, sources.allowance_of(self.source), self.used[-1])
        self.used = []

    def write(self) -> None:
        """All that waits in one transaction; what may be the fault of one timeframe is tried with each by itself."""
        bars, self.waiting = self.waiting, []
        if not bars:
            return
        try:
            self.keep(bars)
        except Exception as error:
            names = list(dict.fromkeys(bar.timeframe for bar in bars))
            if len(names) == 1 or is_storage_fault(error):
                self.end(names, error)
                return
            for name in names:
                self.waiting = [bar for bar in bars if bar.timeframe == name]
                self.write()

    def keep(self, bars: Sequence[Bar]) -> None:
        outcomes = save_timeframes(bars, self.source)
        for timeframe, count in Counter(bar.timeframe for bar in bars).items():
            cycle, outcome = self.cycles[timeframe], outcomes[timeframe]
            cycle.bars += count - len(outcome.refused)
            cycle.written += outcome.written
            cycle.revised += outcome.revised
            cycle.refused += outcome.refused
            cycle.gaps += outcome.gaps

    def end(self, timeframes: Sequence[str], error: Exception) -> None:
        for name in timeframes:
            self.cycles[name].ended = self.cycles[name].ended or error

    def is_over(self, error: Exception) -> bool:
        """Whether the other timeframes had better not be asked for now."""
        return is_storage_fault(error) or sources.available(self.source.code) is None


def take_together(source: Source, questions: dict[str, list[Question]]) -> bool:
    """Take the calls of several timeframes from the budget at once, if it has room for all now.

    Without it, and before first candles, when the list of what is traded comes first, each takes its own.
    """
    asked = [question for part in questions.values() for question in part]
    if sum(map(bool, questions.values())) < 2 or not all(question.is_usual for question in asked):
        return False
    allowance = sources.allowance_of(source)
    until = rate_limit.attempt(source, allowance, len(asked), critical=False, waited=False, divisible=True)
    return until is None


def refresh_counted(source: Source, wanted: Sequence[str]) -> dict[str, Cycle]:
    """One cycle of these timeframes, each counted in the hourly Job row of its poll; what ended one stands in it."""
    started = clock.now()
    try:
        cycles = refresh_all(source, wanted)
    except Exception as error:
        cycles = {timeframe: Cycle(ended=error) for timeframe in wanted}
    for timeframe, cycle in cycles.items():
        try:
            with hourly.poll(f"{source.code}.candles.{timeframe}", source, started) as count:
                count_cycle(cycle, count)
        except Exception as error:
            cycle.ended = error
    return cycles


def count_cycle(cycle: Cycle, count: hourly.PollCounts) -> None:
    """In the row of this hour; raises what ended the cycle, or that too little of it may in."""
    count.rows, count.revised, count.refused = cycle.written, cycle.revised, cycle.refused
    count.requests, count.retries, count.waited_seconds = cycle.requests, cycle.retries, cycle.waited_seconds
    count.errors = len(cycle.failed)
    if cycle.ended:
        raise cycle.ended
    failures.check_refused(cycle.bars, len(cycle.refused), cycle.refused)


def plan(source: Source, wanted: Sequence[str], symbols: Sequence[str] | None, first: int) -> dict[str, list[Question]]:
    """What to ask for each symbol, by timeframe; one query, whatever the length of the history."""
    listings = price_collector.followed(source).annotate(**{f"last_{name}": newest(source, name) for name in wanted})
    rows = [row for row in listings if symbols is None or row.ticker in symbols]
    return {name: [question(row, name, getattr(row, f"last_{name}"), first) for row in rows] for name in wanted}


def newest(source: Source, timeframe: str) -> Subquery:
    rows = Candle.objects.filter(instrument=OuterRef("instrument"), timeframe=timeframe, source=source)
    return Subquery(rows.order_by("-open_time").values("open_time")[:1])


def question(listing: Listing, timeframe: str, last: datetime | None, first: int) -> Question:
    if last is None:
        return Question(listing, None, first)
    if (clock.now() - last).total_seconds() < 2 * timeframes.SECONDS[timeframe]:
        return Question(listing, None, candle_requests.NEWEST)
    return Question(listing, last, FIRST)


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
