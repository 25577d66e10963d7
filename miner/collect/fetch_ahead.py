"""Requests ahead of the writing: windows in their order, the next ones already under way."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from datetime import date
from itertools import islice, takewhile

from markets import clock
from markets.jobs import job_leases
from markets.models import Job
from markets.records import Table
from markets.store import validation
from markets.store.validation import Sifted
from miner.collect import threads
from miner.collect.window_plan import Span
from miner.fetch import retry
from miner.fetch.errors import ProviderError

Fetch = Callable[[date, date], list[Table]]
# What was published in a window and may in, or what is wrong with it.
Answer = Sifted | ProviderError
Batch = list[tuple[Span, Answer]]
# Below the lease of 120 s: the main thread shows that it lives while its requests wait.
RENEW_SECONDS = 20
# So many answers are kept for each connection, and at least so many are handed over where they have come.
AHEAD = 4


def fetch_ahead(
    fetch: Fetch, windows: Iterable[Span], connections: int, traffic: retry.Traffic, job: Job
) -> Generator[Batch]:
    """The windows in their order, the next ones already under way: writing overlaps with waiting.

    A window that fails is an answer like any other: those after it are handed over as well.

    Where writing is slower than asking, those that came meanwhile are handed over together: a transaction costs as much
    as hundreds of figures.
    At most four times as many answers as connections are kept and half of them handed over, so that others are here
    when those are written, whatever the history's length; of one connection all four, for what is read without a
    network comes faster than it is written.
    """
    todo, kept = iter(windows), AHEAD * connections
    pool = threads.pool(connections)
    try:
        waiting = deque((window, pool.submit(answer_of, fetch, window)) for window in islice(todo, kept))
        while waiting:
            window, future = waiting.popleft()
            brought = [(window, wait_for(future, job))]
            come = list(islice(takewhile(has_come, waiting), max(kept // 2, AHEAD) - 1))
            brought += [(window, future.result()) for window, future in come]
            waiting = deque(islice(waiting, len(come), None))
            more = islice(todo, len(brought))
            waiting.extend((window, pool.submit(answer_of, fetch, window)) for window in more)
            yield brought
    finally:
        traffic.stop()
        pool.shutdown(cancel_futures=True)


def answer_of(fetch: Fetch, window: Span) -> Answer:
    try:
        return validation.sift_tables(fetch(*window), clock.today())
    except ProviderError as error:
        return error


def has_come(one: tuple[Span, Future[Answer]]) -> bool:
    """An answer that is here; a fault of ours waits until those before it are stored."""
    return one[1].done() and one[1].exception() is None


def wait_for(future: Future[Answer], job: Job) -> Answer:
    while True:
        try:
            return future.result(timeout=RENEW_SECONDS)
        except NotYet:
            if future.done():  # it came in this moment, or the error is its own
                return future.result()
            job_leases.renew(job)
