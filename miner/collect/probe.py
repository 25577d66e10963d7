"""The connection test of a source: its smallest request, once, within its rate limit."""

import time
from collections.abc import Callable
from datetime import timedelta

from markets import clock, messages
from markets.messages import Message
from markets.models import Job, Source
from miner import sources
from miner.collect import backoff
from miner.collect import prices as price_collector
from miner.collect import tables as table_collector
from miner.fetch import http, rate_limit
from miner.fetch.errors import NoKey, ProviderError
from miner.providers.base import CandleSource, Provider, QuoteSource

# An operator waits for the result.
SECONDS = 8.0
# Every week has at least one day with a publication.
FEW_DAYS = 7


class Failed(Exception):
    """The source did not answer; `reason` is one of Job.Reason, and the text has no key in it."""

    def __init__(self, words: Message, reason: str) -> None:
        super().__init__(words)
        self.reason = reason


def ask(source: Source) -> float:
    """Seconds that the answer took; raises Failed, whatever the provider does wrong.

    Only a ProviderError is told in its own words: any other error may quote whatever the provider had in its hands.
    """
    try:
        return answer_time(source)
    except ProviderError as error:
        key = sources.key_of(source.code)
        said = messages.of_error(error)
        words = messages.changed(said, lambda text: text.replace(key, "***")) if key else said
        raise Failed(words, getattr(error, "reason", Job.Reason.ERROR)) from None
    except Exception as error:
        raise Failed(Message("exception_bare", kind=type(error).__name__), Job.Reason.ERROR) from None


def answer_time(source: Source) -> float:
    if sources.wants_key(source):
        raise NoKey(Message("no_key", source=source.code))
    provider = sources.provider_of(source)
    cost, question = smallest(source, provider)
    rate_limit.take(source, sources.allowance_of(source), cost)
    started = time.monotonic()
    try:
        with http.answered_until(started + SECONDS):
            question()
    except ProviderError as error:
        backoff.back_off(source, error, rest=False)
        raise
    return time.monotonic() - started


def smallest(source: Source, provider: Provider) -> tuple[int, Callable[[], object]]:
    """The smallest request and its cost: a week of the first table, the most urgent price, or the list of tickers."""
    if provider.series:
        series = provider.series[0]
        end = min(clock.today(), series.last or clock.today())
        start = end - timedelta(days=min(FEW_DAYS, series.window) - 1)
        return 1, lambda: table_collector.fetcher(provider, series)(start, end)
    listings = price_collector.due(source) or list(source.listings.order_by("priority", "ticker")[:1])
    if isinstance(provider, QuoteSource) and listings:
        tickers = [listings[0].ticker]
        return provider.cost(tickers), lambda: provider.fetch_quotes(tickers)
    if isinstance(provider, CandleSource):
        return 1, provider.fetch_tickers
    raise ProviderError(Message("nothing_to_ask", source=source.code))
