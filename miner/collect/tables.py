"""The run over the tables of a source: the newest days first, and no window that fails stops another one."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import takewhile

from django.db.models import Min

from markets import clock
from markets.jobs import job_results, runs
from markets.models import Gap, Job, Publication, Source
from markets.records import Table
from markets.store import gaps, validation
from markets.store.publish import publish
from markets.store.sharing import most_rates, yield_to_writers
from markets.store.table_gaps import Covered
from markets.store.validation import Sifted
from miner.collect import failures, fetch_ahead, silence, window_plan
from miner.collect.fetch_ahead import Batch, Fetch
from miner.collect.window_plan import Span
from miner.fetch import retry
from miner.fetch.errors import ExpectedData, ProviderError
from miner.providers.base import GoldSource, Provider, RateSource, TableSeries

# A task may take 60 s: 40 s of work, and then the requests that are under way may wait and answer so much longer.
GRACE = 8
DAY = timedelta(days=1)
# So many failed windows are halved at once, down to the day that is at fault; the others in a later run.
MOST_HALVED = 6
# A run that a person started asks for every gap, whenever its next try is.
BY_HAND = {Job.Trigger.COMMAND, Job.Trigger.OPERATOR}

Failed = list[tuple[Span, ProviderError]]


@dataclass(slots=True)
class Run:
    """One run over a source: who, how long, and who watches."""

    source: Source
    provider: Provider
    trigger: str = Job.Trigger.SCHEDULE
    connections: int = 1
    span: Span | None = None
    # Exactly these windows, in this order, of the one table that is mined; without them the plan finds what lacks.
    windows: Sequence[Span] | None = None
    deadline: float = float("inf")
    # Of the monotonic clock: no new window begins after `deadline`, no request lasts beyond `until` by much.
    until: float = float("inf")
    # Whether other work needs the worker before the deadline.
    gives_way: Callable[[], bool] = lambda: False
    on_continue: Callable[[str, int], object] | None = None
    watch: Callable[[TableSeries, int, int, date | None], None] = lambda *_: None
    traffic: retry.Traffic = field(default_factory=retry.Traffic)
    # The source does not answer: the tables after this one are tried, each once.
    is_down: bool = False
    # The job of the table under way, and what went wrong with it.
    job: Job | None = None
    error: str = ""


@dataclass(slots=True)
class Course:
    """How far one table of a run has come: windows done, the last day seen with a publication, what failed.

    `heard` is a day that the source has answered for in this run.
    """

    limit: date
    seen: date
    windows: int
    done: int = 0
    in_a_row: int = 0
    heard: date | None = None
    breath: float = field(default_factory=time.monotonic)
    failed: Failed = field(default_factory=list)
    lost: Failed = field(default_factory=list)


def mine_series(run: Run, series: TableSeries, resume: int | None = None) -> Job:
    """One table of a source: journal, plan, fetch ahead, store in order. Answers the ended (or paused) job.

    Raises ProviderError or DatabaseError after the job has been marked failed, and journal.Busy before anything. The
    windows that did not fail are stored by then.
    """
    job_type = f"{run.source.code}.{series.table}"
    run.job, run.error = None, ""
    with runs.job(job_type, run.source, run.trigger, resume) as job:
        run.job, today = job, clock.today()
        all_before = job.started_at if run.trigger in BY_HAND else None
        windows = None if run.windows is None else list(run.windows)
        if windows is None:
            windows = window_plan.windows_of(run.source, series, run.span, today, all_before)
        if not windows:
            failures.raise_earlier(job)
            raise runs.Skip(silence.why_nothing(series, today))
        job_results.plan(job, len(windows))
        before, run.traffic = (job.requests, job.retries, job.waited_seconds), retry.Traffic(tired=run.is_down)
        try:
            newest = fetch_and_store(run, series, job, windows)
        finally:
            job.requests = before[0] + (run.traffic.requests if run.provider.base_url else 0)
            job.retries = before[1] + run.traffic.retries
            job.waited_seconds = round(before[2] + run.traffic.waited_seconds, 3)
        job.refresh_from_db(fields=["rows_written", "refused", "notes", "note_messages"])
        failures.check_refused(failures.accepted(job), job.refused, failures.refused_of(job))
        if not job.rows_written and not job.refused:
            is_asked = run.span or run.windows
            raise runs.Skip(runs.Reason.UP_TO_DATE if is_asked else silence.why_empty(series, newest, today))
    return job


def fetch_and_store(run: Run, series: TableSeries, job: Job, windows: list[Span]) -> date:
    """Fetch and store what has come; answers the last day seen with a publication. Pauses at the run's deadline.

    Raises what was wrong with the first window that failed, after all others have been tried.
    """
    course = Course(silence.last_sure_day(run.source, series, clock.today()), series.first, len(windows))
    is_over = is_late = ask(run, series, job, windows, course)
    while course.failed:
        failed, course.failed = course.failed, []
        chosen = [] if is_late or run.is_down else longest(failed)
        if chosen:
            halves = [half for window in chosen for half in halved(window)]
            job_results.plan(job, len(halves))
            is_late = ask(run, series, job, halves, course)
        course.lost += [(window, error) for window, error in failed if run.is_down or window not in chosen]
    if course.lost:
        note_gaps(run, series, course.lost)
        failures.remember(job, course.lost[0][1])
    if is_over and run.on_continue:
        raise runs.Pause(partial(run.on_continue, series.table))
    if course.lost:
        raise course.lost[0][1]
    failures.raise_earlier(job)
    return course.seen


def longest(failed: Failed) -> list[Span]:
    """The failed windows to halve: of several days, and the longest, since they hold most of the sound days."""
    longer = [window for window, _ in failed if window[0] < window[1]]
    return sorted(longer, key=lambda window: window[0] - window[1])[:MOST_HALVED]


def halved(window: Span) -> list[Span]:
    """Both halves: down to the day that is at fault, so that the sound days around it are stored."""
    return window_plan.cut(window, ((window[1] - window[0]).days + 2) // 2)


def ask(run: Run, series: TableSeries, job: Job, windows: list[Span], course: Course) -> bool:
    """Ask for these windows and store what comes; answers whether the time was over before the last of them."""
    source, left = fetcher(run.provider, series), len(windows)

    def fetch(start: date, end: date) -> list[Table]:
        return retry.call(lambda: source(start, end), traffic, until=run.until, ends_run=False)

    traffic = run.traffic.of_a_part()
    ahead = fetch_ahead.fetch_ahead(fetch, windows, run.connections, traffic, job)
    with run.traffic.with_part(traffic), closing(ahead):
        for batch in ahead:  # the requests under way end with it, whatever ends this
            for group in neighbours(batch):
                window, answer = group[-1]
                if not isinstance(answer, ProviderError):
                    store(run, series, job, [(one, came) for one, came in group if isinstance(came, Sifted)], course)
                elif course.done and is_out_of_time(run):
                    return True
                else:
                    fail(run, job, window, answer, course)
                left -= len(group)
            if course.in_a_row >= failures.PATIENCE_WITH_WINDOWS and not run.is_down:
                run.is_down, course.in_a_row = not still_answers(run, series, course, fetch), 0
            if run.is_down:
                return False
            if left and is_out_of_time(run):
                return True
    return False


def still_answers(run: Run, series: TableSeries, course: Course, fetch: Fetch) -> bool:
    """Whether the source says again what it has said before: then these windows are at fault, and not the source.

    When it never said anything of this table, it is asked for a week of which a publication is sure.
    """
    day = course.heard
    if day is None:
        known = Publication.objects.filter(source=run.source, table=series.table)
        day = known.aggregate(first=Min("effective_date"))["first"]
    span = (day, day) if day else (max(series.first, course.limit - 6 * DAY), course.limit)
    try:
        return bool(fetch(*span))
    except ProviderError:
        return False


def is_out_of_time(run: Run) -> bool:
    return run.on_continue is not None and (time.monotonic() > run.deadline or run.gives_way())


def neighbours(batch: Batch) -> Iterator[Batch]:
    """The answers that are stored in one transaction: of windows that follow each other, as many as it may hold. A
    failure stands alone.
    """
    group: Batch = []
    rates, most = 0, most_rates()
    for window, answer in batch:
        failed, more = isinstance(answer, ProviderError), answer.rates if isinstance(answer, Sifted) else 0
        if group and (failed or group[-1][0][1] + DAY != window[0] or rates + more > most):
            yield group
            group, rates = [], 0
        group.append((window, answer))
        rates += more
        if failed:
            yield group
            group = []
    if group:
        yield group


def store(run: Run, series: TableSeries, job: Job, group: list[tuple[Span, Sifted]], course: Course) -> None:
    """What was published; the days of these windows that lack what must exist become gaps."""
    run.is_down = False  # it has answered
    while group:
        whole = takewhile(lambda one: not silence.missing(series, one[0], one[1].tables, course.limit), group)
        sound = len(list(whole))
        part, group = group[: sound + 1], group[sound + 1 :]
        window, newest = part[-1]
        words = None if sound == len(part) else silence.missing(series, window, newest.tables, course.limit)
        last = silence.last_day(window, newest.tables)
        came = validation.joined([one for _, one in part])
        publish(
            came,
            run.source,
            job,
            windows=len(part),
            covered=covered(series, part[0][0][0], last if words else window[1]),
        )
        course.done, course.seen = course.done + len(part), max(course.seen, last)
        reached = came.tables[-1].effective_date if came.tables else None
        run.watch(series, min(course.done, course.windows), course.windows, reached)
        course.breath = yield_to_writers(course.breath)
        if words:
            course.lost.append(((last + DAY, window[1]), ExpectedData(words)))
        course.heard = reached or course.heard
        # Emptiness where data must be counts like a failure: a broken source is not asked for its whole history.
        course.in_a_row = 0 if came.tables or not words else course.in_a_row + 1


def covered(series: TableSeries, start: date, last: date) -> Covered | None:
    return (series.table, start, last) if start <= last else None


def fail(run: Run, job: Job, window: Span, error: ProviderError, course: Course) -> None:
    """Keep the window for a second look; say so when it is plain that the source does not answer at all."""
    course.failed.append((window, error))
    course.done, course.in_a_row = course.done + 1, course.in_a_row + 1
    run.is_down = run.is_down or failures.is_about_the_source(error)
    job_results.progress(job, windows=1)


def note_gaps(run: Run, series: TableSeries, lost: Failed) -> None:
    """What the tables lack of the windows that could not be had; neighbours that failed in one way are one gap."""
    known = window_plan.known_days(run.source, series)
    for cause in dict.fromkeys(error.reason for _, error in lost):
        reason = Gap.Reason.EMPTY if cause == ExpectedData.reason else Gap.Reason.FAILED
        for first, last in window_plan.union(window for window, error in lost if error.reason == cause):
            start = max([first, *(day + DAY for day in known if first <= day <= last)])
            if start <= last:
                gaps.failed(run.source, gaps.of_days(series.table, start, last), reason, cause, run.is_down)
            if not run.is_down:
                gaps.put_off_refused(run.source, gaps.of_days(series.table, first, last))


def fetcher(provider: Provider, series: TableSeries) -> Fetch:
    """The capability that brings this series."""
    if series.kind == "metal" and isinstance(provider, GoldSource):
        return provider.fetch_gold
    if isinstance(provider, RateSource):
        return partial(provider.fetch_rates, table=series.table)
    raise TypeError(f"{provider.code} cannot bring {series.table}")
