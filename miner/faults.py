"""The faults that the tables tell of: sources, gaps, jobs, tasks, the queue and the clock. Nothing is written here."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Min
from django_q.conf import Conf
from django_q.models import OrmQ, Task

from markets import messages
from markets.jobs import job_leases
from markets.messages import Message
from markets.models import Gap, Job
from markets.problems import Fault
from markets.queries import jobs
from markets.queries.freshness import Trouble
from markets.queries.source_state import SourceState, State
from miner import source_states, times_ahead
from miner.collect import failures

# After so many tries only an operator knows more.
MANY_TRIES = 5
# Longer than a task waits behind the others of a working queue: two of 60 s run, some more have been fetched.
LONGEST_IN_QUEUE = timedelta(seconds=300)
# A task that was given up and left no success since is told of for a day.
GIVEN_UP = timedelta(days=1)
# What people ask for one by one; they read the answer themselves.
BY_HAND = (".check", "assets.")
# What operators order of the past: a source, names, and the first and the last day.
TABLES = "miner.backfill.tables"
FILLS, FILL_ARGS = frozenset({TABLES, "miner.backfill.prices", "miner.backfill.candles"}), 4
OPERATOR = Job.Trigger.OPERATOR
BY_PERSONS = (OPERATOR, Job.Trigger.COMMAND)
LOST = frozenset({"lost", "timed_out"})
# One variable stops every source; the problem `proxy` names it, and tells of it once.
ENVIRONMENT = Job.Reason.ENVIRONMENT
TOLD_ELSEWHERE = frozenset({Job.Reason.STOPPED, ENVIRONMENT})


def found(now: datetime, states: list[SourceState] | None = None) -> list[Fault]:
    """Every fault that stands in the tables now; a dozen queries."""
    states = source_states.states(now) if states is None else states
    return [
        *source_faults(states),
        *job_faults(states),
        *gap_faults(states),
        *given_up(now),
        *queue_faults(now),
        *clock_faults(now, states),
    ]


def source_faults(states: list[SourceState]) -> Iterator[Fault]:
    for one in states:
        if one.is_behind:
            yield Fault("source_stale", one.source.code, Message("words", words=", ".join(one.behind)))
        if one.state == State.FAILED and one.trouble and one.trouble.reason != ENVIRONMENT:
            yield Fault("source_failed", one.source.code, reason_of(one.trouble))


def reason_of(trouble: Trouble) -> Message | None:
    """None for a row that names no reason, or one of a newer release."""
    return Message(f"reason.{trouble.reason}") if trouble.reason in Job.Reason.values else None


def job_faults(states: list[SourceState]) -> Iterator[Fault]:
    """Jobs that are no series of a source: those tell of themselves in its state."""
    series = {one.facts.name for state in states for one in state.series}
    off = {state.source.pk for state in states if state.state == State.OFF}
    for job in jobs.newest_runs():
        if job.source_id in off or any(word in job.job_type for word in BY_HAND):
            continue
        if job.reason in LOST:
            yield Fault("job_lost", job.job_type, error_of(job))
        elif job.status == Job.Status.FAILED and job.job_type not in series and job.reason not in TOLD_ELSEWHERE:
            yield Fault("job_failed", job.job_type, error_of(job))
        if failures.is_told(job):
            offered = failures.accepted(job) + job.refused
            yield Fault("figures_refused", job.job_type, Message("share", refused=job.refused, offered=offered))


def error_of(job: Job) -> Message:
    return messages.decoded(job.error_message) or Message.of(job.error)


def gap_faults(states: list[SourceState]) -> Iterator[Fault]:
    codes = {one.source.pk: one.source.code for one in states if one.state != State.OFF}
    open_gaps = Gap.objects.filter(source__in=codes, tries__gte=MANY_TRIES, accepted_at=None).order_by()
    for source, table, count, first, last in open_gaps.values_list("source", "table").annotate(
        count=Count("pk"), first=Min("from_time"), last=Max("to_time")
    ):
        span = Message("span", count=count, first=first.date(), last=last.date())
        yield Fault("gap", f"{codes[source]}.{table}", span)


def given_up(now: datetime) -> Iterator[Fault]:
    """Tasks that the queue tries no more, and of which no later one of their kind succeeded."""
    recent = Task.objects.filter(stopped__gte=now - GIVEN_UP).order_by()
    failed = recent.filter(success=False, attempt_count__gte=Conf.MAX_ATTEMPTS or MANY_TRIES)
    gone = {(task.func, task.group): task for task in failed.order_by("stopped")}
    if not gone:
        return
    later = recent.filter(success=True, func__in=[func for func, _ in gone])
    since = {(func, group): at for func, group, at in later.values_list("func", "group").annotate(at=Max("stopped"))}
    for (func, group), task in gone.items():
        if since.get((func, group), task.stopped) > task.stopped:
            continue
        if command := fill_command(task):
            if not is_filled_since(task):
                yield Fault("fill_given_up", group or func, Message.of(command))
        else:
            yield Fault("work_given_up", group or func, Message.of(func))


def fill_command(task: Task) -> str:
    """The command that does what an operator's back-fill was to do; empty for any other task."""
    args, state = list(task.args or ()), task.kwargs or {}
    if task.func not in FILLS or len(args) < FILL_ARGS or state.get("trigger", OPERATOR) != OPERATOR:
        return ""
    source, names, start, end = args[:FILL_ARGS]
    tables = [f"--table {name}" for name in names] if task.func == TABLES else []
    return " ".join(["manage.py mine", source, *tables, f"--from {start} --to {end}"])


def is_filled_since(task: Task) -> bool:
    """Whether a person's run of the same source has succeeded after it: a command leaves no task."""
    jobs_after = Job.objects.filter(source__code=task.args[0], finished_at__gte=task.stopped, status=Job.Status.SUCCESS)
    return jobs_after.filter(trigger__in=BY_PERSONS).exclude(job_type__endswith=".check").exists()


def queue_faults(now: datetime) -> Iterator[Fault]:
    """A queue whose oldest due task nobody takes."""
    due = OrmQ.objects.filter(key__in={settings.MINER_QUEUE, settings.BRAIN_QUEUE}, lock__lt=now - LONGEST_IN_QUEUE)
    for key, count, oldest in due.order_by().values_list("key").annotate(count=Count("pk"), oldest=Min("lock")):
        yield Fault("queue", key, Message("waiting_since", count=count, oldest=oldest))


def clock_faults(now: datetime, states: list[SourceState]) -> Iterator[Fault]:
    """Moments that were written while the clock was ahead and that nobody has put right (`charon.processes`)."""
    counts = {
        "queue": times_ahead.tasks(now).count(),
        "leases": times_ahead.leases(now).count(),
        "jobs": job_leases.leased_too_long().count(),
        "schedules": len(times_ahead.entries(now)),
        "sources": sum(one.is_ahead for state in states if state.state != State.OFF for one in state.series),
    }
    for name, count in counts.items():
        if count:
            yield Fault("times_ahead", name, Message.of(str(count)))
