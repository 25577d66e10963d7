"""An operator's wish to have gaps asked for again becomes a job that waits; a task of the miner takes it up."""

from typing import Any, NamedTuple

from django.db import transaction

from markets import clock
from markets.errors import ConflictError, QuestionError
from markets.jobs import runs
from markets.models import Job, Source
from markets.queries import gaps as gap_queries
from markets.queries.gap_days import HEAL
from markets.store.gaps import PRICES
from miner import sources
from miner.collect import market_gaps, window_plan
from miner.collect.window_plan import Span
from miner.fetch import cooldown
from miner.gaps import tables, tasks
from miner.gaps.wish import Wish
from miner.providers.base import TableSeries


class SourceOff(QuestionError):
    """The source may not be asked at the moment."""

    status = 409
    code = "source_off"


class Task(NamedTuple):
    """What is put into the queue: a function of `miner.gaps.tasks`, its arguments behind the source, and its size."""

    name: str
    args: tuple[Any, ...]
    parts: int


def check_awake(source: Source) -> None:
    """Raises SourceOff with the reason."""
    if sources.runnable_source(source.code) is None:
        raise SourceOff(f"{source.code} is switched off, paused or unknown to this release", {"source": source.code})
    if sources.wants_key(source):
        raise SourceOff(f"{source.code} has no API key", {"source": source.code})
    if cooldown.is_cooling_down(source):
        raise SourceOff(f"{source.code} rests for a while, as it asked for or after failures", {"source": source.code})


def plan(source: Source, table: str, wish: Wish) -> Task | None:
    """The work that the wish comes to; None where nothing of it is missing. Reads only."""
    if series := tables.series_of(source.code, table):
        found = windows(source, series, wish)
        return Task("windows", (table, found), len(found)) if found else None
    if wish.accepted:
        raise QuestionError("accepted gaps are asked for again of official tables alone", {"table": table})
    if table == PRICES:
        spans = market_gaps.due_prices(source, clock.now(), wish.holds)
        parts = [(first, last, tickers) for (first, last), tickers in spans.items()]
        return Task("prices", (parts,), len(parts)) if parts else None
    due = market_gaps.due(source, table, clock.now(), wish.holds)
    return Task("candles", (table, wish.kept()), len(due)) if due else None


def windows(source: Source, series: TableSeries, wish: Wish) -> list[Span]:
    """Requests of whole tables over the days that are missing, the newest first."""
    first = max(wish.first, series.first)
    today = clock.today()
    last = min(wish.last, today, series.last or today)
    spans = [window_plan.days_of(row) for row in gap_queries.of_series(source, series.table) if wish.holds(row)]
    clipped = [(max(start, first), min(end, last)) for start, end in spans]
    near = window_plan.DAY * series.longest_pause
    together = window_plan.union([span for span in clipped if span[0] <= span[1]], near)
    return [window for span in reversed(together) for window in reversed(window_plan.cut(span, series.window))]


def start(source: Source, table: str, wish: Wish, task: Task) -> Job:
    """The waiting job; of two equal wishes the second gets the job of the first. Raises ConflictError while the table
    is being asked for otherwise: two runs of one table would ask for the same twice.
    """
    name = tables.job_type(source.code, table)
    with transaction.atomic():
        try:
            job = runs.start(name, source, Job.Trigger.OPERATOR)
        except runs.Busy:
            return same_wish(name, wish)
        Job.objects.filter(pk=job.pk).update(details={HEAL: wish.kept()})
        runs.release(job, lambda pk: tasks.put(task.name, source.code, *task.args, job=pk))
    return job


def same_wish(name: str, wish: Wish) -> Job:
    running = Job.objects.filter(job_type=name, status=Job.Status.RUNNING).first()
    if running is not None and running.details.get(HEAL) == wish.kept():
        return running
    detail = {"job": running.pk if running else None, "see": see(name)}
    raise ConflictError(f"{name} runs at the moment; see {detail['see']}", detail)


def see(name: str) -> str:
    """Where a job of this type is told of."""
    return f"/api/v1/jobs?type={name}"
