"""The tasks that ask for gaps again by an operator's wish, due or not. Each takes up the job that the wish got."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from markets.jobs import job_leases
from markets.models import Job
from markets.queries.gap_days import HEAL
from markets.store.gaps import CANDLES
from miner import backfill, sources
from miner.collect import one_table
from miner.collect.candle_history import fetch_gaps
from miner.collect.history import settled
from miner.collect.window_plan import Span
from miner.gaps.tables import series_of
from miner.gaps.wish import Wish
from miner.slices import in_slices

# The days and the tickers of one back-fill of prices.
Part = tuple[date, date, list[str]]
MODULE = __name__


def put(kind: str, source: str, *args: object, job: int | None = None) -> None:
    backfill.put(f"{MODULE}.{kind}", source, *args, group=f"{source}.gaps", job=job)


@in_slices
def windows(source: str, table: str, left: Sequence[Span], job: int | None = None) -> str:
    """These windows of an official table; the task that follows has those that were not reached."""
    row, series = sources.runnable_source(source), series_of(source, table)
    if row is None or series is None:
        job_leases.abandon(job)
        return backfill.OFF
    run, done = one_table.run_of_task(row, Job.Trigger.OPERATOR), 0

    def count(_: object, number: int, *__: object) -> None:
        nonlocal done
        done = number

    run.windows, run.watch = left, count
    run.on_continue = lambda _, job: put("windows", source, table, left[done:], job=job)
    status = one_table.mine_one(run, series, job)
    if status in {Job.Status.SUCCESS, Job.Status.RUNNING}:
        inherit(run.job, job)
    return status


def inherit(row: Job | None, former: int | None) -> None:
    """The job of a task that is delivered again, its worker dead, is a new one: it was asked for by the same wish."""
    if row is None or former is None or row.pk == former:
        return
    wish = Job.objects.filter(pk=former).values_list(f"details__{HEAL}", flat=True).first()
    if wish is not None:
        row.refresh_from_db()
        Job.objects.filter(pk=row.pk).update(details=row.details | {HEAL: wish})


@in_slices
def candles(source: str, table: str, wish: dict[str, Any], job: int | None = None) -> str:
    """The gaps of a timeframe that the wish holds, each once."""
    row = sources.available(source)
    if row is None:
        job_leases.abandon(job)
        return backfill.OFF
    fill = backfill.of_task(row, *backfill.EVER)
    fill.is_again = True
    fill.on_continue = lambda _, job: put("candles", source, table, wish, job=job)
    timeframe = table.removeprefix(CANDLES)
    return settled(fill, lambda: fetch_gaps(fill, timeframe, job, Wish.of(wish).holds))


@in_slices
def prices(source: str, parts: Sequence[Part], job: int | None = None) -> str:
    """The prices of the first of these spans; a task of its own for the others. Its continuation is a back-fill's."""
    (start, end, tickers), *rest = parts
    status = backfill.prices(source, tickers, start, end, job, Job.Trigger.OPERATOR, is_again=True)
    if rest and status != backfill.OFF:
        put("prices", source, rest)
    return status
