"""The loop of the sending task: claims messages, sends each in a thread of its own, writes down what became of it.

Threads send and nothing else: the database belongs to the main thread. A thread that hangs is left to itself, as a
daemon: its channel waits until the lease of the message ends, the others go on.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from datetime import datetime, timedelta
from queue import Empty, Queue
from typing import NamedTuple

from django.conf import settings
from django.db.models import Min

from markets import clock
from signals.alerts.channels import KINDS
from signals.alerts.channels.channel import SECONDS, Failed
from signals.alerts.deliver import claims, outcomes, seal
from signals.alerts.deliver.claims import Claim
from signals.alerts.deliver.outcomes import Outcome
from signals.alerts.deliver.turn import Turn

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 8
HANGS = SECONDS + 5
# How often it looks for new deliveries; what is due so soon it waits for.
TICK = 0.25
SOON = timedelta(seconds=6)
RENEWAL = 5.0

Results = Queue[Outcome]
Wait = Callable[[Results, float], Outcome | None]
Start = Callable[[Callable[[], None]], None]


class Flight(NamedTuple):
    claim: Claim
    started_at: datetime
    began: float


def wait_for(results: Results, seconds: float) -> Outcome | None:
    try:
        return results.get(timeout=seconds)
    except Empty:
        return None


def in_a_thread(work: Callable[[], None]) -> None:
    """With the id that the log has of this task."""
    threading.Thread(target=copy_context().run, args=(work,), name="alert-delivery", daemon=True).start()


class Sender:
    """`wait`, `start` and `seconds` (a clock that never jumps) are for tests, which do not wait."""

    def __init__(
        self, wait: Wait = wait_for, start: Start = in_a_thread, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self.wait, self.start, self.seconds = wait, start, seconds
        self.results: Results = Queue()
        self.flights = dict[int, Flight]()
        self.failing = set[int]()
        self.turn = Turn()
        self.sent = 0

    def run(self) -> int | None:
        """Until nothing is due soon and nothing under way, or its time is over; answers how many messages were taken,
        None while another task has the turn.

        Nothing new is begun in the last seconds, so that the slowest try ends within the time of a task.
        """
        if not self.turn.take():
            return None
        try:
            self.loop()
        finally:
            self.turn.give_back()
        return self.sent

    def loop(self) -> None:
        began = renewed = self.seconds()
        last_start = began + settings.TASK_WORK.total_seconds() - HANGS
        while True:
            now = self.seconds()
            if now - renewed > RENEWAL:
                if not self.turn.take():
                    last_start = now  # another task has taken over: what is under way is ended here
                renewed = now
            if now < last_start:
                self.begin()
            if not self.flights and (now >= last_start or not self.is_due_soon()):
                return
            outcome = self.wait(self.results, TICK)
            if outcome is not None:
                self.land(outcome)
            self.leave_hanging()

    def is_due_soon(self) -> bool:
        return claims.due(clock.now() + SOON).exclude(channel__in=self.failing).exists()

    def begin(self) -> None:
        """The channels whose messages have waited longest first, one message each."""
        if len(self.flights) >= MOST_AT_ONCE:
            return
        rows = claims.due(clock.now()).exclude(channel__in=[*self.flights, *self.failing]).order_by()
        channels = rows.values("channel").annotate(since=Min("due_at")).order_by("since", "channel")
        for channel in channels.values_list("channel", flat=True):
            if len(self.flights) >= MOST_AT_ONCE:
                return
            claim = self.claim(channel)
            if claim is not None:
                self.fly(claim)

    def claim(self, channel: int) -> Claim | None:
        """A channel whose message cannot be made stops no other."""
        try:
            return claims.claim(channel)
        except Exception:
            logger.exception("The deliveries of channel %s cannot be claimed", channel)
            self.failing.add(channel)
            return None

    def fly(self, claim: Claim) -> None:
        started_at, results = clock.now(), self.results
        self.flights[claim.channel] = Flight(claim, started_at, self.seconds())
        try:
            kind, config = KINDS[claim.kind], seal.unseal(claim.sealed)
        except (KeyError, seal.Unreadable) as error:
            results.put(Outcome(claim, started_at, 0, failed=outcomes.unusable(error)))
            return

        def send() -> None:
            began, status, failed = time.perf_counter(), 0, None
            try:
                status = kind.send(config, claim.message)
            except Failed as error:
                failed = error
            except BaseException as error:
                failed = Failed(type(error).__name__)
            milliseconds = round((time.perf_counter() - began) * 1000)
            results.put(Outcome(claim, started_at, milliseconds, status, failed))

        self.start(send)

    def land(self, outcome: Outcome) -> None:
        flight = self.flights.get(outcome.claim.channel)
        if flight is not None and flight.claim is outcome.claim:
            del self.flights[outcome.claim.channel]
        self.sent += outcomes.settle(outcome) == outcomes.State.SENT

    def leave_hanging(self) -> None:
        now = self.seconds()
        for channel, flight in list(self.flights.items()):
            if now - flight.began > HANGS:
                del self.flights[channel]
                lasted = round((now - flight.began) * 1000)
                outcomes.settle(Outcome(flight.claim, flight.started_at, lasted, failed=outcomes.hanging(), hangs=True))
