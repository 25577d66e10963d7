"""Retries of failed requests: after Retry-After if sent, else after 1, 2 and 4 s with jitter."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TypeVar

import stamina

from markets.messages import Message
from miner.fetch import http
from miner.fetch.errors import Unreachable

T = TypeVar("T")
logger = logging.getLogger(__name__)

ATTEMPTS = 4
FIRST_BACKOFF = 1.0
JITTER = 0.5
# No run waits longer than this between two tries: the next run comes within the hour.
LONGEST_BACKOFF = 30.0
# The time that the last try gets after the last wait.
REQUEST_SECONDS = 5.0
# In the log: once an hour, and then the count.
AGAIN = {"cause": "tried again"}


@dataclass(slots=True)
class Traffic:
    """The counters of one run's requests, shared by its threads."""

    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    stopped: bool = False
    # Whether a request has failed for good: those after it are made, and none of them twice.
    tired: bool = False
    # The error that ended the run. Requests that come later raise it too, so that the job names the true reason.
    cause: Exception | None = None
    lock: Lock = field(default_factory=Lock, repr=False)

    def stop(self, cause: Exception | None = None) -> None:
        """End the run: requests in progress may finish, none is retried."""
        with self.lock:
            self.cause = self.cause or cause
            self.stopped = True

    def of_a_part(self) -> "Traffic":
        """Counters for a part of the run, which may be stopped while the run goes on."""
        return Traffic(tired=self.tired)

    @contextmanager
    def with_part(self, part: "Traffic") -> Iterator[None]:
        """Add the counters of the part when it is over, whatever ends it."""
        try:
            yield
        finally:
            self.requests += part.requests
            self.retries += part.retries
            self.waited_seconds += part.waited_seconds
            self.tired = self.tired or part.tired

    def asked(self, again: bool, waited: float) -> None:
        with self.lock:
            self.requests += 1
            self.retries += again
            self.waited_seconds += waited


def worth_another_try(error: Exception, patience: float) -> bool | timedelta:
    """Whether, or after how long, a request is retried: only after Unreachable, and never before Retry-After."""
    if not isinstance(error, Unreachable) or patience <= 0:
        return False
    if error.retry_after is None:
        return True
    if error.retry_after > min(LONGEST_BACKOFF, patience):
        return False
    return timedelta(seconds=error.retry_after)


def call(
    work: Callable[[], T],
    traffic: Traffic,
    patience: float = 60,
    until: float = float("inf"),
    ends_run: bool = True,
) -> T:
    """Call `work`, with retries; no wait begins that would last beyond `patience` seconds or the time `until`.

    `until` is a time of the monotonic clock; requests in the work end 5 s after it at the latest. Once the work has
    failed for good, no request of the run is retried; with `ends_run` none is made any more.
    """
    until = min(until, time.monotonic() + patience)
    ended = time.monotonic()
    attempts = stamina.retry_context(
        on=lambda error: (
            not traffic.stopped and not traffic.tired and worth_another_try(error, until - time.monotonic())
        ),
        attempts=ATTEMPTS,
        timeout=None,
        wait_initial=FIRST_BACKOFF,
        wait_max=LONGEST_BACKOFF,
        wait_jitter=JITTER,
        wait_exp_base=2,
    )
    try:
        for attempt in attempts:
            with attempt:
                if traffic.stopped:
                    raise traffic.cause or Unreachable(Message("run_ended"))
                waited = time.monotonic() - ended
                traffic.asked(attempt.num > 1, waited)
                if attempt.num > 1:
                    logger.info("Try %d of %d, after %.1f s", attempt.num, ATTEMPTS, waited, extra=AGAIN)
                try:
                    with http.answered_until(until + REQUEST_SECONDS):
                        return work()
                finally:
                    ended = time.monotonic()
    except Exception as error:
        if ends_run:
            traffic.stop(error)
        traffic.tired = True
        raise
    raise AssertionError("stamina ends with a result or an error")
