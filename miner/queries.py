"""Questions that need the providers or the timetable besides the tables."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

from django.conf import settings
from django.db import models
from django.db.models import F, Max, Q, Sum
from django_q.models import Schedule

from markets import clock
from markets.models import Job, Source
from markets.queries import jobs
from miner.providers import PROVIDERS
from miner.pulse import polls
from miner.sources import key_of

FACTS = ("code", "name", "url", "unit", "limits", "licence", "attribution", "edition")
CHOICES = ("available", "enabled", "paused_until", "public_display", "public_api")
JOURNAL = (*jobs.COLUMNS, "note_messages", "error_message")
NEVER = {"last_success_at": None, "last_failure_at": None, "last_error": None}

MINUTES = {Schedule.HOURLY: 60, Schedule.DAILY: 24 * 60, Schedule.WEEKLY: 7 * 24 * 60}


def source_rows(sources: models.QuerySet[Source]) -> Iterator[dict[str, Any]]:
    """What is known of each source; its override of the address stays with the operators."""
    ends = jobs.last_ends()
    extra = {"cadence_seconds": F("polling_interval"), "replaced_by": F("fallback_for__code")}
    for row in sources.values("id", *FACTS, *CHOICES, **extra):
        reached = ends.get(row.pop("id"), NEVER)
        row["stands_in_for"] = row.pop("replaced_by")
        yield row | {"tables": tables(row["code"])} | key(row["code"]) | reached


def key(code: str) -> dict[str, bool]:
    """Whether it cannot be asked without a key, and whether there is one; never the key."""
    provider = PROVIDERS.get(code)
    return {"needs_key": provider is not None and provider.needs_key, "has_key": bool(key_of(code))}


def tables(code: str) -> list[dict[str, Any]]:
    provider = PROVIDERS.get(code)
    series = provider.series if provider else ()
    rows = [{"table": row.table, "kind": row.kind, "since": row.first} for row in series]
    return sorted(rows, key=lambda row: str(row["table"]))


def upcoming(sources: Iterable[Source] | None = None) -> list[dict[str, Any]]:
    """What will run next, the soonest first: the schedules of our queues, and the polls that pulse starts.

    One statement, and one more without the sources.
    """
    by_code = {source.code: source for source in (Source.objects.all() if sources is None else sources)}
    enabled = [source for source in by_code.values() if source.enabled and source.code in PROVIDERS]
    rows = [*schedule_rows(by_code), *pulse_rows(enabled, by_code)]
    never = datetime.max.replace(tzinfo=UTC)
    return sorted(rows, key=lambda row: (row["next_run"] or never, row["name"]))


def address(path: str, query: Mapping[str, str]) -> str:
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def journal(source: str = "", status: str = "") -> models.QuerySet[Job, dict[str, Any]]:
    """The jobs from the newest on, of a source and of a state where they are named; plain values."""
    wanted = {"source__code": source, "status": status}
    found = Job.objects.filter(**{name: value for name, value in wanted.items() if value})
    rows: models.QuerySet[Job, dict[str, Any]] = found.values(*JOURNAL)
    return rows


def running_jobs() -> models.QuerySet[Job, dict[str, Any]]:
    found = Job.objects.filter(status=Job.Status.RUNNING).order_by("pk")
    rows: models.QuerySet[Job, dict[str, Any]] = found.values(*JOURNAL)
    return rows


def series_sums() -> Iterator[dict[str, Any]]:
    """One row a series: when it was last found complete, what it has brought."""
    well = Q(status__in=[Job.Status.SUCCESS, Job.Status.SKIPPED])
    totals = Job.objects.order_by("job_type").values("job_type")
    sums = totals.annotate(
        last_good=Max("finished_at", filter=well),
        last_rows=Max("finished_at", filter=Q(rows_written__gt=0)),
        rows=Sum("rows_written"),
        refused_figures=Sum("refused"),
    )
    return (dict(row) for row in sums)


def schedule_rows(by_code: dict[str, Source]) -> Iterator[dict[str, Any]]:
    entries = Schedule.objects.filter(cluster__in={settings.MINER_QUEUE, settings.BRAIN_QUEUE})
    fields = ("name", "func", "schedule_type", "minutes", "cron", "next_run")
    for name, func, kind, minutes, cron, next_run in entries.values_list(*fields):
        minutes = minutes if kind == Schedule.MINUTES else MINUTES.get(kind)
        row = upcoming_row(name or "", func, next_run, by_code)
        yield row | {"cron": cron or None, "minutes": minutes, "every_seconds": minutes * 60 if minutes else None}


def pulse_rows(enabled: Iterable[Source], by_code: dict[str, Source]) -> Iterator[dict[str, Any]]:
    now, found = clock.now(), polls.polls_of_all(enabled)
    if any(PROVIDERS[source.code].rotating for source in enabled):
        found.append(polls.queue_poll())
    for poll in found:
        if not poll.is_scheduled:
            row = upcoming_row(poll.name, poll.func, poll.next(now), by_code)
            yield row | {"every_seconds": poll.every}


def upcoming_row(name: str, task: str, next_run: datetime | None, by_code: dict[str, Source]) -> dict[str, Any]:
    source = by_code.get(name.split(".")[0])
    return {
        "name": name,
        "task": task,
        "source": source.code if source else None,
        "next_run": next_run,
        "cron": None,
        "minutes": None,
        "state": state(source),
        "every_seconds": None,
    }


def state(source: Source | None) -> Literal["active", "paused", "disabled"]:
    if source is None:
        return "active"
    if not source.enabled:
        return "disabled"
    return "paused" if source.paused_until and source.paused_until > clock.now() else "active"
