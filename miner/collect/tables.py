"""What is missing, in which windows, and the run that brings it: ascending, so that a kill leaves no hole behind."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import islice, pairwise, takewhile
from math import ceil

import holidays
from django.db import connection
from django.db.models import Max

from markets import clock
from markets.jobs import job_leases, job_results, runs
from markets.models import Gap, Job, Publication, Rate, Source
from markets.records import Table
from markets.store import gaps
from markets.store.publish import publish
from miner.fetch import retry
from miner.fetch.errors import ExpectedData, ProviderError
from miner.providers.base import GoldSource, Provider, RateSource, TableSeries

Span = tuple[date, date]
Fetch = Callable[[date, date], list[Table]]
Batch = list[tuple[Span, list[Table]]]
# A task may take 60 s: 40 s of work, and then the requests that are under way may wait and answer so much longer.
GRACE = 8
DAY = timedelta(days=1)
# Below the lease of 120 s: the main thread shows that it lives while its requests wait.
RENEW_SECONDS = 20
# So many answers that wait to be written are written at once.
BACKLOG = 4
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


def known_days(source: Source, series: TableSeries) -> list[date]:
    """The days that the tables hold of this series, ascending; an archive counts the official figures as well."""
    if source.fallback_for_id is None:
        days = Publication.objects.filter(source=source, table=series.table)
        return list(days.order_by("effective_date").values_list("effective_date", flat=True))
    rows = Rate.objects.filter(source__in=[source.pk, source.fallback_for_id], table="A")
    return list(rows.order_by("effective_date").values_list("effective_date", flat=True).distinct())


def holes(series: TableSeries, known: Sequence[date], today: date) -> list[Span]:
    """The spans without a publication that are longer than a natural pause, and the days since the newest one.

    The last of them begins a few days early: the same request reads again what may have been corrected or refused.
    """
    end = min(today, series.last or today)
    inside = [day for day in known if series.first <= day <= end]
    if not inside:
        return [(series.first, end)] if series.first <= end else []
    pause = timedelta(days=series.longest_pause)
    marks = [series.first - DAY, *inside]
    found = [(a + DAY, b - DAY) for a, b in pairwise(marks) if b - a > pause]
    newest = inside[-1]
    since = [newest + DAY * number for number in range(1, (end - newest).days + 1)]
    if any(day.weekday() in series.weekdays for day in since):
        found.append((max(series.first, newest - DAY * (series.reread - 1)), end))
    return found


def widened(span: Span, series: TableSeries, known: Sequence[date], today: date) -> Span | None:
    """The span that an operator asked for, inside the history, and up to its neighbours where those are near.

    A rest shorter than a natural pause would never be found as a hole again.
    """
    start, end = max(span[0], series.first), min(span[1], today, series.last or today)
    if start > end:
        return None
    pause = timedelta(days=series.longest_pause)
    before = max((day for day in known if day < start), default=None)
    after = min((day for day in known if day > end), default=None)
    if before is not None and start - before <= pause:
        start = before + DAY
    if after is not None and after - end <= pause:
        end = after - DAY
    return start, end


def cut(span: Span, window: int) -> list[Span]:
    """Even windows of at most `window` days: none so short that the rest after a kill could pass for a pause."""
    start, end = span
    days = (end - start).days + 1
    count = ceil(days / window)
    marks = [start + DAY * (days * number // count) for number in range(count)] + [end + DAY]
    return [(a, b - DAY) for a, b in pairwise(marks)]


def first_fill(series: TableSeries, known: Sequence[date], today: date) -> list[Span]:
    """What this release knows to have been published before and after the days that the tables hold."""
    end = min(today, series.last or today)
    inside = [day for day in known if series.first <= day <= end]
    if not inside:
        return [(series.first, end)] if series.first <= end else []
    spans = []
    if (inside[0] - series.first).days > series.longest_pause:
        spans.append((series.first, inside[0] - DAY))
    if inside[-1] < min(series.known_until, end):
        spans.append((inside[-1] + DAY, end))
    return spans


def windows_of(run: Run, series: TableSeries, today: date) -> list[Span]:
    known = known_days(run.source, series)
    if run.span is None:
        begun = [gaps.of_days(series.table, *span) for span in first_fill(series, known, today)]
        if begun:
            gaps.begin_first_fill(run.source, begun)
        spans = holes(series, known, today)
    else:
        asked = widened(run.span, series, known, today)
        spans = [asked] if asked else []
    return [window for span in spans for window in cut(span, series.window)]


def mine_series(run: Run, series: TableSeries, resume: int | None = None) -> Job:
    """One table of a source: journal, plan, fetch ahead, store in order. Answers the ended (or paused) job.

    Raises ProviderError or DatabaseError after the job has been marked failed, and runs.Busy before anything.
    """
    job_type = f"{run.source.code}.{series.table}"
    run.job, run.error = None, ""
    with runs.job(job_type, run.source, run.trigger, resume) as job:
        run.job, today = job, clock.today()
        windows = windows_of(run, series, today)
        if not windows:
            raise runs.Skip(why_nothing(series, today))
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
            raise runs.Skip(runs.Reason.UP_TO_DATE if run.span else why_empty(series, newest, today))
    return job


def fetch_and_store(run: Run, series: TableSeries, job: Job, windows: list[Span]) -> date:
    """Fetch and store what has come; answers the last day seen with a publication. Pauses at the run's deadline."""
    fetch = partial(retry.call, traffic=run.traffic, until=run.until)
    source = fetcher(run.provider, series)
    limit, done, seen = last_sure_day(run.source, series, clock.today()), 0, series.first
    breath = time.monotonic()
    ahead = fetch_ahead(lambda start, end: fetch(lambda: source(start, end)), windows, run, job)
    with closing(ahead):  # and with it the requests under way, whatever ends this
        for brought in noting_failure(run, series, windows, ahead):
            sound = list(takewhile(lambda one: not missing(series, *one, limit), brought))
            if sound:
                tables = [table for _, of_window in sound for table in of_window]
                covered = (series.table, sound[0][0][0], sound[-1][0][1])
                publish(tables, run.source, job, windows=len(sound), covered=covered)
                done, seen = done + len(sound), last_day(*sound[-1])
                run.watch(series, done, len(windows), tables[-1].effective_date if tables else None)
                breath = yield_to_writers(breath)
            if len(sound) < len(brought):
                window, tables = brought[len(sound)]
                note_gap(run, series, (last_day(window, tables) + DAY, window[1]), Gap.Reason.EMPTY)
                raise ExpectedData(missing(series, window, tables, limit))
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
        known = [day for day in known_days(run.source, series) if start <= day <= end]
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


def last_day(window: Span, tables: list[Table]) -> date:
    """The last one with a publication, as far as this window knows."""
    return tables[-1].effective_date if tables else window[0] - DAY


def missing(series: TableSeries, window: Span, tables: list[Table], limit: date) -> str:
    """What should be in the window and is not, in words."""
    seen = last_day(window, tables)
    return f"nothing published from {seen + DAY} to {window[1]}" if silent(series, seen, min(window[1], limit)) else ""


def fetch_ahead(fetch: Fetch, windows: Iterable[Span], run: Run, job: Job) -> Generator[Batch]:
    """The windows in their order, the next ones already under way: writing overlaps with waiting.

    Where writing is slower than asking, those that came meanwhile are handed over together: a transaction costs as much
    as hundreds of figures.
    At most four times as many answers as connections are kept and half of them handed over, so that others are here
    when those are written, whatever the history's length.
    """
    todo = iter(windows)
    pool = ThreadPoolExecutor(run.connections, thread_name_prefix="mine")
    try:
        waiting = deque((window, pool.submit(fetch, *window)) for window in islice(todo, 4 * run.connections))
        while waiting:
            window, future = waiting.popleft()
            brought = [(window, wait_for(future, job))]
            come = list(islice(takewhile(has_come, waiting), 2 * run.connections - 1))
            if len(come) >= BACKLOG:
                brought += [(window, future.result()) for window, future in come]
                waiting = deque(islice(waiting, len(come), None))
            waiting.extend((window, pool.submit(fetch, *window)) for window in islice(todo, len(brought)))
            yield brought
    finally:
        run.traffic.stop()
        pool.shutdown(cancel_futures=True)


def has_come(one: tuple[Span, Future[list[Table]]]) -> bool:
    """An answer that is here; one that failed waits until those before it are stored."""
    return one[1].done() and one[1].exception() is None


def wait_for(future: Future[list[Table]], job: Job) -> list[Table]:
    while True:
        try:
            return future.result(timeout=RENEW_SECONDS)
        except NotYet:
            if future.done():  # it came in this moment, or the error is its own
                return future.result()
            job_leases.renew(job)


def last_sure_day(source: Source, series: TableSeries, today: date) -> date:
    """Up to here a publication is sure to exist: what this release knows, or another table of the source confirms."""
    newest = Publication.objects.filter(source=source).aggregate(newest=Max("effective_date"))["newest"]
    return min(max(series.known_until, newest or series.known_until), today - DAY)


def silent(series: TableSeries, seen: date, limit: date) -> bool:
    """So many weekdays after the last publication seen are a breakage, not a pause."""
    days = (seen + DAY * number for number in range(1, (limit - seen).days + 1))
    return sum(day.weekday() < 5 for day in days) >= series.silence


def closed(series: TableSeries, day: date) -> bool:
    """Whether the publisher keeps a holiday: its country's, or its market's (TARGET is `ECB`)."""
    markets = holidays.list_supported_financial()
    calendar = holidays.financial_holidays if series.closed in markets else holidays.country_holidays
    return day in calendar(series.closed, years=day.year)


def why_nothing(series: TableSeries, today: date) -> runs.Reason:
    """Why there is nothing to ask for; an archive is simply complete."""
    weekend = today.weekday() > 4 and series.last is None
    return runs.Reason.WEEKEND if weekend else runs.Reason.UP_TO_DATE


def why_empty(series: TableSeries, newest: date, today: date) -> runs.Reason:
    """Why nothing came after the newest publication. A long silence is called one, whatever day it is today."""
    if silent(series, newest, today - DAY):
        return runs.Reason.SILENT
    if today.weekday() > 4:
        return runs.Reason.WEEKEND
    if closed(series, today):
        return runs.Reason.HOLIDAY
    return runs.Reason.NOT_YET
