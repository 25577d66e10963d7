"""What things cost now: one question to a source for many listings, and what everybody is told of the answer."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import models, transaction
from django.dispatch import Signal

from markets import clock
from markets.jobs import hourly, runs
from markets.models import Job, Listing, Source
from markets.records import Price
from markets.redis import market_keys
from markets.store.prices import save_prices
from miner import sources
from miner.fetch import rate_limit, retry
from miner.fetch.errors import Blocked, ProviderError, Unreachable
from miner.models import SyncStatus
from miner.providers.base import QuoteSource

logger = logging.getLogger(__name__)

State = SyncStatus.State
# Sent in the transaction that marks the listings; the task is enqueued by a receiver, so that no name of one is here.
history_wanted = Signal()

# A country that is blocked today is blocked in a minute as well.
DAY = timedelta(days=1)
# Beats come again soon: one that waits for long delays all others.
PATIENCE = 8.0
# Two beats may be missed and half a one be late.
STALE_BEATS = 2.5
# A task is killed after 60 s: who still says so after this is dead.
AT_WORK = timedelta(seconds=120)
# What CoinGecko sells without a plan; others have less.
HISTORY = timedelta(days=365)
PAST_AGAIN = timedelta(hours=1)
RUNNING = Job.Status.RUNNING
NO_DATA = "No data"
BAD_REQUEST, TOO_MANY = 400, 429


@dataclass(slots=True)
class Result:
    """What one refresh did; `failed` says why, by the code of the instrument."""

    updated: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    prices: list[tuple[str, Price]] = field(default_factory=list)
    rows: int = 0
    refused: int = 0
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
    mark(listings, State.IN_PROGRESS)
    try:
        prices = ask(source, [listing.ticker for listing in listings], critical, patience, result)
    except ProviderError as error:
        result.error = error
        back_off(source, error, rest)
        reason, words = getattr(error, "reason", "error"), runs.scrub(str(error))
        mark(listings, State.FAILED, reason, words)
        result.failed = {listing.instrument.code: words for listing in listings}
        return result
    outcome = save_prices(prices, source)
    result.rows, result.refused = outcome.written, len(outcome.refused)
    there = {price.ticker: price for price in prices}
    told = []
    for listing in listings:
        if listing.ticker in there and listing.ticker not in outcome.against:
            result.updated.append(listing.instrument.code)
            told.append((listing.instrument.code, there[listing.ticker]))
        else:
            result.failed[listing.instrument.code] = outcome.against.get(listing.ticker, NO_DATA)
    by_code = {listing.instrument.code: listing for listing in listings}
    succeeded(source, [by_code[code] for code in result.updated])
    mark([by_code[code] for code, words in result.failed.items() if words == NO_DATA], State.FAILED, "no_data", NO_DATA)
    for code, words in result.failed.items():
        if words != NO_DATA:
            mark([by_code[code]], State.FAILED, "refused", words)
    market_keys.priced(told)
    result.prices = told
    return result


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
        mark(listings, State.SUCCESS)
        if has_history(sources.provider_of(source)):
            request_history(source, listings)


def request_history(source: Source, listings: Sequence[Listing]) -> None:
    """Once, and an hour after a failure again; while one is being brought it is too early to say what will lack."""
    now, today = clock.now(), clock.today()
    due = models.Q(past_asked_at=None) | models.Q(past_asked_at__lte=now - PAST_AGAIN)
    rows = SyncStatus.objects.filter(due, listing__in=[row.pk for row in listings], past_at=None)
    # Who was tried most comes last, for a failure ends the work: one that always fails keeps no other from its past.
    names = dict(rows.order_by("past_tries", "listing__priority", "pk").values_list("listing", "listing__ticker"))
    if not names or Job.objects.filter(job_type=history_job(source), status=RUNNING, lease_until__gt=now).exists():
        return
    SyncStatus.objects.filter(listing__in=names).update(past_asked_at=now)
    history_wanted.send(sender=Source, source=source, tickers=list(names.values()), start=today - HISTORY, end=today)


def history_job(source: Source) -> str:
    """The job that brings it."""
    return f"{source.code}.history"


def has_history(provider: object) -> bool:
    return isinstance(provider, QuoteSource) and type(provider).fetch_history is not QuoteSource.fetch_history


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
            if is_final(error):
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
        result.calls += max(taken, provider.calls)
        result.retries, result.waited_seconds = traffic.retries, result.waited_seconds + traffic.waited_seconds
    rate_limit.answered(source, allowance, provider.used)
    if provider.allowed is not None:
        rate_limit.record_allowed(source, provider.allowed)
    return prices


def is_final(error: Unreachable) -> bool:
    """Whether a beat that failed so leaves it to the next one: it comes soon, and others want the worker."""
    return error.nobody or error.status == TOO_MANY


def back_off(source: Source, error: ProviderError, rest: bool = True) -> None:
    """Leave a source alone that asked for it, that cannot be reached, or that does not serve this country."""
    if isinstance(error, rate_limit.Exhausted):
        return
    if isinstance(error, Blocked):
        Source.objects.filter(pk=source.pk).update(paused_until=clock.now() + DAY)
        logger.warning("%s does not serve this country (451); asked again in a day", source.code)
    elif wait := getattr(error, "retry_after", None):
        rate_limit.block(source, wait)
    elif rest and getattr(error, "status", 0) != BAD_REQUEST:  # that is about what was asked for, not about them
        rate_limit.failed(source)


def mark(listings: Iterable[Listing], state: State, reason: str = "", error: str = "") -> None:
    """Write the state of these listings; a success also ends what was said of failures."""
    now = clock.now()
    moments = {State.IN_PROGRESS: {"last_attempt_at": now}, State.SUCCESS: {"last_success_at": now}}.get(state, {})
    rows = [
        SyncStatus(listing=listing, state=state, reason=reason, error=error[:500], **moments) for listing in listings
    ]
    if rows:
        fields = ["state", "reason", "error", *moments]
        SyncStatus.objects.bulk_create(rows, update_conflicts=True, unique_fields=["listing"], update_fields=fields)


def due(source: Source) -> list[Listing]:
    """What is followed at this source, the most urgent first."""
    return list(followed(source))


def followed(source: Source) -> models.QuerySet[Listing]:
    rows = Listing.objects.filter(source=source, tracked=True).select_related("instrument")
    return rows.order_by("priority", "ticker")


def state_of(row: SyncStatus, polling_interval: int) -> str:
    """What is stored, or `stale` when the last success is older than two and a half beats of the source.

    Whoever was killed at work left its rows in progress: then the last success is what is known.
    """
    now = clock.now()
    at_work = row.state == State.IN_PROGRESS
    dead = at_work and (row.last_attempt_at is None or now - row.last_attempt_at > AT_WORK)
    if dead and row.last_success_at is None:
        return State.PENDING
    if row.last_success_at is None or (row.state != State.SUCCESS and not dead):
        return row.state
    fresh_for = STALE_BEATS * timedelta(seconds=polling_interval)
    return State.STALE if now - row.last_success_at > fresh_for else State.SUCCESS
