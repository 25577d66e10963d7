"""The requests of a cycle of candles: all symbols at once, and what is wrong with one left out."""

import logging
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from markets import messages
from markets.jobs import runs
from markets.messages import Message
from markets.models import Listing, Source
from markets.records import Bar
from miner import sources
from miner.collect import backoff, failures, sync_status, threads
from miner.fetch import rate_limit, retry
from miner.fetch.errors import ProviderError, UnknownTicker, Unreachable, Unreadable
from miner.fetch.parsing import sentences
from miner.models import SyncStatus
from miner.providers.base import CandleSource

logger = logging.getLogger(__name__)

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
    """What one cycle brought of a timeframe; `failed` says by ticker why, and `errors` as they were raised.

    `ended` is what ended it for all symbols, `used` what the source itself has counted of our calls.
    """

    bars: int = 0
    written: int = 0
    revised: int = 0
    refused: list[Message] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    failed: dict[str, Message] = field(default_factory=dict)
    errors: dict[str, ProviderError] = field(default_factory=dict)
    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    ended: Exception | None = None
    used: int | None = None


def fetch(
    source: Source,
    timeframe: str,
    questions: Sequence[Question],
    cycle: Cycle,
    patient: bool = False,
    taken: bool = False,
) -> Generator[list[Bar]]:
    """All answers; what is wrong with one symbol is told and left out, anything else ends the cycle.

    A poll comes again within minutes. Whoever is `patient` goes on after any symbol that fails, until it is plain that
    the source is at fault. With `taken` the calls are in the budget already, and its answer is for the caller to
    record there.

    Two candles of every symbol are one lot. First ones come in several, so that writing overlaps with waiting. All
    questions go at once, so that nobody asks again, nor goes on asking, after a 429: those who do are banned.
    """
    provider = sources.candle_source_of(source)
    allowance, traffic = sources.allowance_of(source), retry.Traffic()
    until = time.monotonic() + PATIENCE
    if not taken:
        cycle.waited_seconds = rate_limit.take(source, allowance, len(questions), patience=PATIENCE / 2)

    one = partial(answer_of, provider, timeframe, traffic, until, patient)
    try:
        with threads.pool(CONNECTIONS) as pool:
            try:
                answers = zip(questions, pool.map(one, questions), strict=True)
                yield from lots(of_symbols(answers) if patient else answers, cycle)
            finally:
                traffic.stop()  # who still waits for its turn then need not ask: nobody wants the answer any more
    finally:
        cycle.refused += sentences(provider.take_refused())
        rate_limit.spent(source, allowance, traffic.requests - len(questions))
        cycle.requests += traffic.requests
        cycle.retries += traffic.retries
        cycle.waited_seconds += traffic.waited_seconds
    cycle.used = provider.used
    if not taken:
        rate_limit.answered(source, allowance, provider.used)


def of_symbols(answers: Iterable[tuple[Question, Answer]]) -> Generator[tuple[Question, Answer]]:
    """The same answers; raises the error when the symbols fail one after the other, or none has an answer."""
    in_a_row, is_heard, error = 0, False, None
    for question, answer in answers:
        is_fault = isinstance(answer, ProviderError) and not isinstance(answer, UnknownTicker | Unreadable)
        in_a_row = in_a_row + 1 if is_fault else 0
        is_heard, error = is_heard or not is_fault, answer if is_fault else error
        if in_a_row >= failures.PATIENCE_WITH_WINDOWS:
            break
        yield question, answer
    if isinstance(error, ProviderError) and (in_a_row >= failures.PATIENCE_WITH_WINDOWS or not is_heard):
        raise error


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
    provider: CandleSource, timeframe: str, traffic: retry.Traffic, until: float, patient: bool, question: Question
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

    try:
        return retry.call(once, traffic, PATIENCE, until, ends_run=not patient)
    except ProviderError as error:
        if not patient or failures.is_about_the_source(error):
            traffic.stop(error)
            raise
        return error


def ask(provider: CandleSource, timeframe: str, question: Question) -> list[Bar] | UnknownTicker:
    """One symbol; that they do not list it is an answer about that symbol, and no failure of the run."""
    try:
        return provider.fetch_candles(question.listing.ticker, timeframe, question.start, question.limit)
    except UnknownTicker as error:
        return error


def leave_out(listing: Listing, error: ProviderError, cycle: Cycle) -> None:
    words = runs.scrubbed(messages.of_error(error))
    cycle.failed[listing.ticker], cycle.errors[listing.ticker] = words, error
    unknown = isinstance(error, UnknownTicker)
    sync_status.mark([listing], SyncStatus.State.FAILED, "unknown" if unknown else error.reason, words)
    logger.warning("%s gives no candles of %s: %s", listing.source.code, listing.ticker, words)
