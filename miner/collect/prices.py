"""What things cost now: one question to a source for many listings, and what everybody is told of the answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models, transaction

from markets import messages
from markets.jobs import hourly, runs
from markets.messages import Message
from markets.models import Listing, Source
from markets.records import Price
from markets.redis import market_keys
from markets.store.prices import save_prices
from miner import sources
from miner.collect import backoff, failures, history_requests, sync_status
from miner.collect.sync_status import State
from miner.fetch import rate_limit, retry
from miner.fetch.errors import ProviderError, Unreachable

# Beats come again soon: one that waits for long delays all others.
PATIENCE = 8.0
NO_DATA = Message("no_data")


@dataclass(slots=True)
class Result:
    """What one refresh did; `failed` says why, by the code of the instrument."""

    updated: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    prices: list[tuple[str, Price]] = field(default_factory=list)
    rows: int = 0
    # Which, and why; and what of it could not even be read, by ticker.
    refused: list[Message] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    retries: int = 0
    waits: int = 0
    waited_seconds: float = 0.0
    error: ProviderError | None = None


def refresh(
    source: Source, listings: Sequence[Listing], critical: bool = False, patience: float = 0.0, rest: bool = True
) -> Result:
    """Ask for all listings at once and write what came; what failed is told in the result and in SyncStatus.

    A failure of the source is in `error`: whether it ends the work is for the caller to say. With `rest` a source that
    could not be asked is left alone for a while.
    """
    result = Result()
    sync_status.mark(listings, State.IN_PROGRESS)
    try:
        prices = ask(source, [listing.ticker for listing in listings], critical, patience, result)
    except ProviderError as error:
        result.error = error
        backoff.back_off(source, error, rest)
        reason, said = getattr(error, "reason", "error"), runs.scrubbed(messages.of_error(error))
        sync_status.mark(listings, State.FAILED, reason, said)
        result.failed = {listing.instrument.code: said for listing in listings}
        return result
    outcome = save_prices(prices, source)
    against = outcome.against | {
        ticker: Message("about", about=ticker, reason=reason) for ticker, reason in result.unreadable.items()
    }
    result.rows, result.refused = outcome.written, [*against.values()]
    there = {price.ticker: price for price in prices}
    told = []
    for listing in listings:
        if listing.ticker in there and listing.ticker not in against:
            result.updated.append(listing.instrument.code)
            told.append((listing.instrument.code, there[listing.ticker]))
        else:
            result.failed[listing.instrument.code] = against.get(listing.ticker, NO_DATA)
    by_code = {listing.instrument.code: listing for listing in listings}
    succeeded(source, [by_code[code] for code in result.updated])
    empty = [by_code[code] for code, words in result.failed.items() if words == NO_DATA]
    sync_status.mark(empty, State.FAILED, "no_data", NO_DATA)
    for code, words in result.failed.items():
        if words != NO_DATA:
            sync_status.mark([by_code[code]], State.FAILED, "refused", words)
    market_keys.priced(told)
    market_keys.priced_live(source, told)
    result.prices = told
    return result


def refresh_counted(source: Source, listings: Sequence[Listing], **how: Any) -> Result:
    """One refresh, counted in the source's hourly Job row; its failure stands there and in the result."""
    result = None
    try:
        with hourly.poll(f"{source.code}.quotes", source) as count:
            result = refresh(source, listings, **how)
            count_result(result, count)
            if result.error is None and result.refused:
                result.error = refusal_of(result)
            if result.error is not None:
                raise result.error
    except ProviderError:
        if result is None:
            raise
    return result


def refusal_of(result: Result) -> ProviderError | None:
    """What is wrong with a poll of which too little may in."""
    try:
        failures.check_refused(len(result.updated), len(result.refused), result.refused)
    except ProviderError as error:
        return error
    return None


def count_result(result: Result, count: hourly.PollCounts) -> None:
    """In the row of this hour."""
    count.rows, count.refused, count.requests = result.rows, result.refused, result.calls
    count.retries, count.waited_seconds = result.retries, result.waited_seconds
    count.errors = len(result.failed)


def succeeded(source: Source, listings: Sequence[Listing]) -> None:
    """Mark them, and ask for the past of those that have none yet: both or neither, whoever is killed.

    Whoever marks the same ones at this moment waits until we are done, and then sees what we have asked for.
    """
    with transaction.atomic():
        sync_status.mark(listings, State.SUCCESS)
        if history_requests.has_history(sources.provider_of(source)):
            history_requests.request_history(source, listings)


def ask(source: Source, tickers: list[str], critical: bool, patience: float, result: Result) -> list[Price]:
    """The prices, within the budget and tried again where that may help; what it cost stands in the result.

    Another try is taken from the budget like the first; who asks too often (429) is not asked again in this run.
    """
    provider = sources.quote_source_of(source)
    allowance, traffic = sources.allowance_of(source), retry.Traffic()
    cost = taken = provider.cost(tickers)
    result.waited_seconds = rate_limit.take(source, allowance, cost, critical, patience)
    result.waits = int(result.waited_seconds > 0)
    failures: list[Unreachable] = []

    def once() -> list[Price]:
        nonlocal taken
        if failures:
            again(failures[-1])
            taken += cost
        try:
            return provider.fetch_quotes(tickers)
        except Unreachable as error:
            failures.append(error)
            if backoff.is_final(error):
                traffic.stop(error)
            raise

    def again(failure: Unreachable) -> None:
        """Take another try from the budget; where it has none, what failed stays the reason."""
        try:
            rate_limit.take(source, allowance, cost, critical)
        except rate_limit.Exhausted:
            traffic.stop(failure)
            raise failure from None

    try:
        prices = retry.call(once, traffic, PATIENCE)
    finally:
        rate_limit.spent(source, allowance, provider.calls - taken)
        result.unreadable = provider.take_refused()
        result.calls += max(taken, provider.calls)
        result.retries, result.waited_seconds = traffic.retries, result.waited_seconds + traffic.waited_seconds
    rate_limit.answered(source, allowance, provider.used)
    if provider.allowed is not None:
        rate_limit.record_allowed(source, provider.allowed)
    return prices


def due(source: Source) -> list[Listing]:
    """What is followed at this source, the most urgent first."""
    return list(followed(source))


def followed(source: Source) -> models.QuerySet[Listing]:
    rows = Listing.objects.filter(source=source, tracked=True).select_related("instrument")
    return rows.order_by("priority", "ticker")
