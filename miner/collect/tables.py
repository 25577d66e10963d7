"""The run over the tables of a source: ascending, so that a kill leaves no hole behind."""

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import takewhile

from django.db import connection

from markets import clock
from markets.jobs import job_results, runs
from markets.models import Gap, Job, Source
from markets.store import gaps
from markets.store.publish import publish
from miner.collect import fetch_ahead, silence, window_plan
from miner.collect.fetch_ahead import Batch, Fetch
from miner.collect.window_plan import Span
from miner.fetch import retry
from miner.fetch.errors import ExpectedData, ProviderError
from miner.providers.base import GoldSource, Provider, RateSource, TableSeries

# A task may take 60 s: 40 s of work, and then the requests that are under way may wait and answer so much longer.
GRACE = 8
DAY = timedelta(days=1)
BREATH_EVERY, BREATH = 1.0, 0.15


@dataclass(slots=True)
class Run:
    """One run over a source: who, how long, and who watches."""

    source: Source
    provider: Provider
    trigger: str = Job.Trigger.SCHEDULE
    connections: int = 1
    span: Span | None = None
    deadline: float = float("inf")
    # Of the monotonic clock: no new window begins after `deadline`, no request lasts beyond `until` by much.
    until: float = float("inf")
    on_continue: Callable[[str, int], object] | None = None
    watch: Callable[[TableSeries, int, int, date | None], None] = lambda *_: None
    traffic: retry.Traffic = field(default_factory=retry.Traffic)
    # The job of the table under way, and what went wrong with it.
    job: Job | None = None
    error: str = ""


def mine_series(run: Run, series: TableSeries, resume: int | None = None) -> Job:
    """One table of a source: journal, plan, fetch ahead, store in order. Answers the ended (or paused) job.

    Raises ProviderError or DatabaseError after the job has been marked failed, and journal.Busy before anything.
    """
    job_type = f"{run.source.code}.{series.table}"
    run.job, run.error = None, ""
    with runs.job(job_type, run.source, run.trigger, resume) as job:
        run.job, today = job, clock.today()
        windows = window_plan.windows_of(run.source, series, run.span, today)
        if not windows:
            raise runs.Skip(silence.why_nothing(series, today))
        job_results.plan(job, len(windows))
        before, run.traffic = (job.requests, job.retries, job.waited_seconds), retry.Traffic()
        try:
            newest = fetch_and_store(run, series, job, windows)
        finally:
            job.requests = before[0] + (run.traffic.requests if run.provider.base_url else 0)
            job.retries = before[1] + run.traffic.retries
            job.waited_seconds = round(before[2] + run.traffic.waited_seconds, 3)
        job.refresh_from_db(fields=["rows_written", "refused"])
        if not job.rows_written and not job.refused:
            raise runs.Skip(runs.Reason.UP_TO_DATE if run.span else silence.why_empty(series, newest, today))
    return job


def fetch_and_store(run: Run, series: TableSeries, job: Job, windows: list[Span]) -> date:
    """Fetch and store what has come; answers the last day seen with a publication. Pauses at the run's deadline."""
    fetch = partial(retry.call, traffic=run.traffic, until=run.until)
    source = fetcher(run.provider, series)
    limit, done, seen = silence.last_sure_day(run.source, series, clock.today()), 0, series.first
    breath = time.monotonic()
    ahead = fetch_ahead.fetch_ahead(
        lambda start, end: fetch(lambda: source(start, end)), windows, run.connections, run.traffic, job
    )
    with closing(ahead):  # and with it the requests under way, whatever ends this
        for brought in noting_failure(run, series, windows, ahead):
            sound = list(takewhile(lambda one: not silence.missing(series, *one, limit), brought))
            if sound:
                tables = [table for _, of_window in sound for table in of_window]
                covered = (series.table, sound[0][0][0], sound[-1][0][1])
                publish(tables, run.source, job, windows=len(sound), covered=covered)
                done, seen = done + len(sound), silence.last_day(*sound[-1])
                run.watch(series, done, len(windows), tables[-1].effective_date if tables else None)
                breath = yield_to_writers(breath)
            if len(sound) < len(brought):
                window, tables = brought[len(sound)]
                note_gap(run, series, (silence.last_day(window, tables) + DAY, window[1]), Gap.Reason.EMPTY)
                raise ExpectedData(silence.missing(series, window, tables, limit))
            if run.on_continue and time.monotonic() > run.deadline and done < len(windows):
                raise runs.Pause(partial(run.on_continue, series.table))
    return seen


def noting_failure(run: Run, series: TableSeries, windows: Sequence[Span], ahead: Iterable[Batch]) -> Generator[Batch]:
    """The same answers; of the window that fails, the days that the tables lack become a gap."""
    done = 0
    try:
        for brought in ahead:
            yield brought
            done += len(brought)
    except ProviderError:
        start, end = windows[done]
        known = [day for day in window_plan.known_days(run.source, series) if start <= day <= end]
        note_gap(run, series, (max([start, *(day + DAY for day in known)]), end), Gap.Reason.FAILED)
        raise


def note_gap(run: Run, series: TableSeries, span: Span, reason: Gap.Reason) -> None:
    if span[0] <= span[1]:
        gaps.failed(run.source, gaps.of_days(series.table, *span), reason)


def yield_to_writers(last: float) -> float:
    """Let others write as well, once a second; answers when that was, of the monotonic clock.

    SQLite has no queue of writers. Those who wait look again every 0.1 s, and without this would find it locked by our
    next save each time until they give up after 20 s.
    """
    if connection.vendor != "sqlite" or time.monotonic() - last < BREATH_EVERY:
        return last
    time.sleep(BREATH)
    return time.monotonic()


def fetcher(provider: Provider, series: TableSeries) -> Fetch:
    """The capability that brings this series."""
    if series.kind == "metal" and isinstance(provider, GoldSource):
        return provider.fetch_gold
    if isinstance(provider, RateSource):
        return partial(provider.fetch_rates, table=series.table)
    raise TypeError(f"{provider.code} cannot bring {series.table}")
