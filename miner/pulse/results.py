"""A poll as its worker runs it: once for each planned moment, and how it went."""

import ast
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django_q.models import Schedule
from django_q.tasks import async_task

from markets import clock, messages
from markets.errors import log_cause
from markets.jobs import job_leases, runs
from markets.models import Job
from miner.fetch.errors import ProviderError
from miner.models import Poll
from miner.pulse import leases
from miner.pulse.grid import PollJob

logger = logging.getLogger(__name__)

# A task is killed after 60 s: a lease that is older belongs to a dead worker.
LONGEST_RUN = timedelta(seconds=70)
# The argument in which a poll of the timetable gets its moment; no other entry has one.
PLANNED = "planned"

Task = Callable[..., str]


def once(name: str) -> Callable[[Task], Task]:
    """A task that the timetable starts runs once for its planned moment, and never beside itself.

    The queue's scheduler enqueues the next task whether or not the one before has ended. `planned` is the moment that
    it hands over (`intended_date_kwarg` is PLANNED, ISO 8601). Without it the task always runs: pulse looks into the
    queue before it asks, and an operator who asks is answered. `name` is the poll's, with the task's arguments in its
    braces.
    """

    def decorate(task: Task) -> Task:
        @wraps(task)
        def run(*args: str, planned: str = "") -> str:
            if not planned:
                return task(*args)
            return run_planned(name.format(*args), datetime.fromisoformat(planned), lambda: task(*args))

        return run

    return decorate


def run_planned(name: str, planned: datetime, task: Callable[[], str]) -> str:
    holder = job_leases.this_process()
    if not leases.hold(name, holder, LONGEST_RUN):
        return "busy"
    try:
        rows = Poll.objects.filter(name=name)
        # A time in the future is of a clock that was ahead, and no proof.
        if rows.filter(done_at__gte=planned, done_at__lte=clock.now()).exists():
            return "done already"
        rows.update(asked_at=clock.now())
        return task()
    finally:
        leases.release(name, holder)


@contextmanager
def taken_along(polls: Iterable[PollJob]) -> Iterator[list[PollJob]]:
    """Those of these polls whose moment has come and that nobody runs: ours for the block.

    Their own tasks find them busy, or done for their moment, as `once` has it. What is due is looked at again when it
    is ours, for another may just have done it.
    """
    holder = job_leases.this_process()
    held = [poll for poll in due(polls) if leases.hold(poll.name, holder, LONGEST_RUN)]
    try:
        taken = due(held)
        if taken:
            Poll.objects.filter(name__in=[poll.name for poll in taken]).update(asked_at=clock.now())
        yield taken
    finally:
        for poll in held:
            leases.release(poll.name, holder)


def due(polls: Iterable[PollJob]) -> list[PollJob]:
    """Those that have not succeeded since the last moment of their grid."""
    asked, now = {poll.name: poll for poll in polls}, clock.now()
    if not asked:
        return []
    rows = dict(Poll.objects.filter(name__in=asked).values_list("name", "done_at"))
    moments = {name: poll.next(now) - timedelta(seconds=poll.every) for name, poll in asked.items() if name in rows}
    return [
        asked[name] for name, moment in moments.items() if not ((done_at := rows[name]) and moment <= done_at <= now)
    ]


def enqueue_planned() -> None:
    """Enqueue every poll of the timetable now, with this moment as the planned one."""
    entries = Schedule.objects.filter(cluster=settings.MINER_QUEUE, intended_date_kwarg=PLANNED)
    planned = {PLANNED: clock.now().isoformat()}
    for name, func, args in entries.order_by("name").values_list("name", "func", "args"):
        async_task(func, *ast.literal_eval(args or "()"), cluster=settings.MINER_QUEUE, group=name, **planned)


def failed(name: str, error: ProviderError) -> str:
    """Record a failure of the source: the log gets one line, since a traceback would not say whose fault it is."""
    words = runs.scrubbed(messages.of_error(error))
    done(name, error)
    logger.warning("%s failed: %s", name, words, extra=log_cause(error))
    return Job.Status.FAILED


def done(name: str, error: Exception | None = None) -> None:
    """Record how a poll went: its error, also one without words, or the moment at which it succeeded."""
    text, message = runs.stored(messages.of_error(error)) if error else ("", None)
    changes: dict[str, Any] = {"error": text, "error_message": message}
    if error is None:
        changes["done_at"] = clock.now()
    Poll.objects.filter(name=name).update(**changes)
