"""Whose turn it is in the threads of a worker: callers take turns, however many requests one of them has.

Without turns twenty connections of one caller, each on a page of a quarter of a second, let everybody else wait for
five seconds.
"""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

# Requests that wait or are answered: each holds a body of 64 kB, of 256 kB at most.
PLACES = 128
# Of one caller: an office behind one router, and not everybody's places. Behind so many it waits for seconds.
OF_ONE = 32


class Turns:
    """A thread that is free takes the oldest request of the caller whose last turn is the longest ago."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.threads = threads
        self.lock = threading.Lock()
        self.places: Counter[str] = Counter()
        self.waiting: dict[str, deque[tuple[Future[Any], Callable[[], Any]]]] = {}
        self.last_turns: dict[str, int] = {}
        self.turn = 0

    def has_place_for(self, caller: str) -> bool:
        return self.places[caller] < OF_ONE and self.places.total() < PLACES

    async def run(self, caller: str, work: Callable[[], T]) -> T:
        answer: Future[T] = Future()
        self.places[caller] += 1
        try:
            with self.lock:
                self.waiting.setdefault(caller, deque()).append((answer, work))
            self.threads.submit(self.run_next)
            return await asyncio.wrap_future(answer)
        finally:
            self.places[caller] -= 1
            if not self.places[caller]:
                del self.places[caller]
                with self.lock:
                    self.last_turns.pop(caller, None)

    def run_next(self) -> None:
        """In a thread, once for each request, but not always for the one that was added with it."""
        answer, work = self.taken()
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(work())
        except BaseException as error:
            answer.set_exception(error)

    def taken(self) -> tuple[Future[Any], Callable[[], Any]]:
        with self.lock:
            caller = min(self.waiting, key=lambda one: self.last_turns.get(one, 0))
            self.turn += 1
            self.last_turns[caller] = self.turn
            queue = self.waiting[caller]
            taken = queue.popleft()
            if not queue:
                del self.waiting[caller]
            return taken
