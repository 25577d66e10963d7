"""The back-fill of prices and candles over a range of days, resumable at any point.

A task works for 40 s and enqueues its continuation (`miner.backfill`); a command has no deadline.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from typing import Any

from django.db import DatabaseError

from markets import clock
from markets.errors import log_cause
from markets.jobs import job_leases, job_results, runs
from markets.models import Job, Source
from miner.collect import backoff, failures, history_requests
from miner.fetch import rate_limit
from miner.fetch.errors import FiguresRefused, ProviderError

logger = logging.getLogger(__name__)

GOOD = {Job.Status.SUCCESS, Job.Status.SKIPPED}
BUSY = "busy"
DAY = timedelta(days=1)
# In seconds. The window of a rate limit is a minute; a back-fill does not wait for a longer cool-down.
LONGEST_FOR_BUDGET = 90.0
# In seconds. What a round of candles may take beyond its deadline when everything is slow: a task is killed after 60 s.
ROUND = 12.0


@dataclass(slots=True)
class Fill:
    """One back-fill from `start` to `end`.

    At `deadline` (of the monotonic clock) it stops and calls `on_continue(what is left, job id)`. `watch` is called
    after each window with the windows done, the windows planned and the day reached.
    """

    source: Source
    start: datetime
    end: datetime
    trigger: str = Job.Trigger.OPERATOR
    # Whether a gap is asked for again: its range is neither an operator's nor the first history of a listing.
    is_again: bool = False
    deadline: float = float("inf")
    # Whether other work needs the worker before the deadline.
    gives_way: Callable[[], bool] = lambda: False
    on_continue: Callable[[Any, int], object] = lambda *_: None
    watch: Callable[[int, int, date | None], object] = lambda *_: None
    job: Job | None = None
    error: str = ""

    def is_over(self) -> bool:
        return time.monotonic() >= self.deadline or self.gives_way()

    @property
    def is_first(self) -> bool:
        """Whether a poll requested it because a listing has no history yet."""
        return self.trigger == Job.Trigger.SCHEDULE and not self.is_again

    @property
    def is_whole(self) -> bool:
        """Whether it covers the whole history that Charon keeps, not just the days that an operator chose."""
        reaches_back = self.start.date() <= clock.today() - history_requests.HISTORY
        return self.is_first or (reaches_back and self.end >= clock.now() - DAY)


def moments(start: date, end: date) -> tuple[datetime, datetime]:
    """The range of days as datetimes, up to now at most; market days are days in UTC."""
    after = datetime.combine(min(end, clock.now().date()), hour.min, UTC) + DAY
    return datetime.combine(start, hour.min, UTC), min(after, clock.now())


def settled(fill: Fill, work: Callable[[], None]) -> str:
    """Runs the work and returns its status; errors of the source or the database are recorded and not raised."""
    try:
        work()
    except runs.Busy:
        return BUSY
    except (ProviderError, DatabaseError, job_leases.LeaseLost) as error:
        fill.error = runs.scrub(str(error))
        logger.warning("The back-fill of %s failed: %s", fill.source.code, fill.error, extra=log_cause(error))
        if isinstance(error, ProviderError) and not isinstance(error, failures.EarlierFailure | FiguresRefused):
            # Old windows that fail once more say nothing about the prices of the moment.
            backoff.back_off(fill.source, error, rest=not fill.is_again or failures.is_about_the_source(error))
        return Job.Status.FAILED
    return fill.job.status if fill.job else Job.Status.FAILED


def wait(fill: Fill, error: rate_limit.Exhausted) -> None:
    """Sleep until the rate limit allows a call, or until the deadline; re-raises for a cool-down of more than 90 s."""
    seconds = (error.until - clock.now()).total_seconds()
    if seconds > LONGEST_FOR_BUDGET:
        raise error
    time.sleep(max(0.0, min(seconds, fill.deadline - time.monotonic())))


def record_progress(fill: Fill, job: Job, reached: datetime | None) -> None:
    job_results.progress(job, windows=1, reached=reached.date() if reached else None)
    job.refresh_from_db(fields=["windows", "windows_done"])
    fill.watch(job.windows_done, job.windows, reached.date() if reached else None)
