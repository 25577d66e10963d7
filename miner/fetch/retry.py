"""Trying again: what the provider asks for (Retry-After) first, else 1, 2, 4 s with jitter; then the next run."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TypeVar

import stamina

from miner.fetch import http
from miner.fetch.errors import Unreachable

T = TypeVar("T")

ATTEMPTS = 4
FIRST_WAIT = 1.0
JITTER = 0.5
# Longer than this nobody waits inside a run: the next run comes within the hour.
LONGEST_WAIT = 30.0
# What the last try may take after the last wait has ended.
REQUEST_SECONDS = 5.0


@dataclass(slots=True)
class Traffic:
    """What the requests of one run cost; shared by its threads."""

    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    stopped: bool = False
    # What ended the run: requests that find it ended answer with this, so that the job names the true reason.
    cause: Exception | None = None
    lock: Lock = field(default_factory=Lock, repr=False)

    def stop(self, cause: Exception | None = None) -> None:
        """The run is over: requests under way may end, none is tried again."""
        with self.lock:
            self.cause = self.cause or cause
            self.stopped = True

    def asked(self, again: bool, waited: float) -> None:
        with self.lock:
            self.requests += 1
            self.retries += again
            self.waited_seconds += waited


def worth_another_try(error: Exception, patience: float) -> bool | timedelta:
    """Only the road's errors are; a wait that the provider asked for is kept, or there is no other try."""
    if not isinstance(error, Unreachable) or patience <= 0:
        return False
    if error.retry_after is None:
        return True
    if error.retry_after > min(LONGEST_WAIT, patience):
        return False
    return timedelta(seconds=error.retry_after)


def call(work: Callable[[], T], traffic: Traffic, patience: float = 60, until: float = float("inf")) -> T:
    """Do the work, again where that may help: no wait begins that `patience` seconds, or the moment `until`, cut short.

    Requests in the work end soon after `until`; once the work fails for good, none of the run is tried again.
    """
    until = min(until, time.monotonic() + patience)
    ended = time.monotonic()
    attempts = stamina.retry_context(
        on=lambda error: not traffic.stopped and worth_another_try(error, until - time.monotonic()),
        attempts=ATTEMPTS,
        timeout=None,
        wait_initial=FIRST_WAIT,
        wait_max=LONGEST_WAIT,
        wait_jitter=JITTER,
        wait_exp_base=2,
    )
    try:
        for attempt in attempts:
            with attempt:
                if traffic.stopped:
                    raise traffic.cause or Unreachable("the run ended while this request waited for its turn")
                traffic.asked(attempt.num > 1, time.monotonic() - ended)
                try:
                    with http.answered_until(until + REQUEST_SECONDS):
                        return work()
                finally:
                    ended = time.monotonic()
    except Exception as error:
        traffic.stop(error)
        raise
    raise AssertionError("stamina ends with a result or an error")
