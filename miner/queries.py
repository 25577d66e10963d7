"""Questions that need the providers or the timetable besides the tables."""

from collections.abc import Iterator
from typing import Any, Literal

from django.conf import settings
from django.db import models
from django.db.models import F
from django_q.models import Schedule

from markets import clock
from markets.models import Source
from markets.queries import jobs
from miner.providers import PROVIDERS
from miner.sources import key_of

FACTS = ("code", "name", "url", "unit", "limits", "licence", "attribution", "edition")
CHOICES = ("available", "enabled", "paused_until", "public_display", "public_api")
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


def upcoming() -> models.QuerySet[Schedule]:
    """Our entries of the timetable, the soonest first."""
    queues = {settings.MINER_QUEUE, settings.BRAIN_QUEUE}
    rows: models.QuerySet[Schedule] = Schedule.objects.filter(cluster__in=queues).order_by("next_run", "name")
    return rows


def upcoming_rows(schedules: models.QuerySet[Schedule]) -> Iterator[dict[str, Any]]:
    sources = {source.code: source for source in Source.objects.all()}
    for name, task, kind, minutes, cron, next_run in schedules.values_list(
        "name", "func", "schedule_type", "minutes", "cron", "next_run"
    ):
        source = sources.get((name or "").split(".")[0])
        yield {
            "name": name or "",
            "task": task,
            "source": source.code if source else None,
            "next_run": next_run,
            "cron": cron or None,
            "minutes": minutes if kind == Schedule.MINUTES else MINUTES.get(kind),
            "state": state(source),
        }


def state(source: Source | None) -> Literal["active", "paused", "disabled"]:
    if source is None:
        return "active"
    if not source.enabled:
        return "disabled"
    return "paused" if source.paused_until and source.paused_until > clock.now() else "active"
