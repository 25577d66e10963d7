"""The status page for programs, without a language: `/status.json`, and `/status.txt` whose first line says it all."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from charon.pages import status_facts
from charon.pages.problem_words import Open
from charon.pages.status_facts import SourceStatus, Status
from charon.queue_state import QueueState
from markets import problems

OK, NOT_OK = "OK", "NOT_OK"


@require_safe
@cache_control(no_cache=True)
@conditional_page
def as_json(_request: HttpRequest) -> HttpResponse:
    status = status_facts.read()
    return HttpResponse(json.dumps(told(status), ensure_ascii=False), content_type="application/json")


@require_safe
@cache_control(no_cache=True)
@conditional_page
def as_text(_request: HttpRequest) -> HttpResponse:
    """`OK`, or `NOT_OK` and why; then a line a source. Always 200: `/health?strict=1` answers with the status code."""
    text = "\n".join(lines(status_facts.read()))
    return HttpResponse(f"{text}\n", content_type="text/plain; charset=utf-8")


def lines(status: Status) -> Iterator[str]:
    yield OK if status.is_ok else NOT_OK
    for one in status.reasons:
        yield " ".join(filter(None, ["problem", one.kind, shown_subject(one), iso(one.opened_at)]))
    for source in status.sources:
        yield f"source {source.state.source.code} {source.machine}"


def told(status: Status) -> dict[str, Any]:
    """Moments in ISO 8601 and UTC; what is unknown is null."""
    return {
        "status": OK if status.is_ok else NOT_OK,
        "reasons": [problem(one) for one in status.reasons],
        "problems": [problem(one) for one in status.problems],
        "database": "ok",
        "redis": status.redis,
        "queues": [queue(one) for one in status.queues],
        "sources": [source_of(one) for one in status.sources],
    }


def problem(one: Open) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "subject": shown_subject(one),
        "since": iso(one.opened_at),
        "unhealthy": problems.is_unhealthy(one.kind),
    }


def shown_subject(one: Open) -> str:
    return "" if problems.KINDS[one.kind].private else one.subject


def queue(one: QueueState) -> dict[str, Any]:
    state = "unknown" if one.beaten is None else "stuck" if one.is_stuck else "ok"
    return {"name": one.key, "state": state, "last_beat_at": iso(one.beaten), "waiting": one.waiting}


def source_of(one: SourceStatus) -> dict[str, Any]:
    state, table, expected, budget = one.state, one.table, one.expected, one.budget
    return {
        "code": state.source.code,
        "state": one.machine,
        "detail": state.state.value,
        "reason": state.why or (state.trouble.reason if state.trouble else None),
        "behind": state.behind,
        "last_table": table and {
            "series": table.series,
            "effective_date": iso(table.day),
            "fetched_at": iso(table.fetched_at),
            "delay_seconds": None if table.delay is None else int(table.delay.total_seconds()),
        },
        "last_price_at": iso(one.price_at),
        "last_success_at": iso(state.last_success),
        "last_failure_at": iso(state.last_failure),
        "next_table": expected and {
            "series": expected.series,
            "effective_date": iso(expected.day),
            "from": iso(expected.start),
            "until": iso(expected.end),
        },
        "next_try_at": iso(state.next_try),
        "calls": {
            "today": budget.today,
            "used": budget.used,
            "limit": budget.limit or None,
            "window_seconds": budget.window_seconds,
        },
        "days": [
            {"day": iso(day), "runs": runs.runs, "good": runs.good} for day, runs in sorted(one.record.days.items())
        ],
    }  # fmt: skip


def iso(moment: date | datetime | None) -> str | None:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return None if moment is None else moment.isoformat()
