"""GET /health: whether Charon can serve, how fresh it is, and what is wrong."""

import time
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from django.conf import settings
from ninja import Field, Schema
from pydantic import AwareDatetime

from charon import detection
from markets import clock, problems
from markets.models import Problem
from markets.problems import Fault
from markets.queries import currencies
from markets.queries.source_state import SourceState
from markets.redis import client as redis_client
from miner import source_states

# Who watches asks every few seconds, and may hear of a fault a second later.
KEPT_SECONDS = 1.0


class Strictness(Schema):
    strict: bool = Field(
        default=False,
        description="Whether a fault that costs data is answered with 503.",
        json_schema_extra={"example": True},
    )


class SourceHealth(Schema):
    code: str = Field(description="The source.", examples=["nbp"])
    enabled: bool = Field(description="Whether it is asked at all.", examples=[True])
    last_success_at: AwareDatetime | None = Field(
        description="When it was last asked and answered.", examples=["2024-01-31T11:05:12Z"]
    )
    state: str = Field(
        description="ok, pending (not asked yet), cooling_down, late (being asked for), filling (its history is being "
        "loaded), stale (something is missing), failed, or off.",
        examples=["ok"],
    )
    reason: str | None = Field(
        description="Why it is off (disabled, paused, no_key, unavailable), or why the last try failed, as in `/jobs`.",
        examples=["unreachable"],
    )
    since: AwareDatetime | None = Field(
        description="Since when every try has failed.", examples=["2024-01-31T11:05:12Z"]
    )
    next_try_at: AwareDatetime | None = Field(description="The next try.", examples=["2024-01-31T12:00:00Z"])
    behind: list[str] = Field(description="Its series that lack something.", examples=[["nbp.A"]])
    stands_in_for: str | None = Field(
        description="The source whose figures it gives at the moment.", examples=["Narodowy Bank Polski"]
    )


class ProblemHealth(Schema):
    kind: str = Field(description="What is wrong.", examples=["source_stale"])
    subject: str = Field(description="What it is about; may be empty.", examples=["nbp"])
    since: AwareDatetime | None = Field(
        description="When it was found; null when this answer is the first to see it.",
        examples=["2024-01-31T11:05:12Z"],
    )
    text: str = Field(description="In Polish, for people.", examples=["Dane ze źródła są nieaktualne"])


class Health(Schema):
    status: Literal["ok", "fault"] = Field(
        description="ok: Charon can serve. fault: only with `strict`, and the answer is 503.", examples=["ok"]
    )
    version: str = Field(description="Release of Charon.", examples=["0.1.0"])
    database: Literal["ok"] = Field(description="The database answered.", examples=["ok"])
    redis: redis_client.State = Field(
        description="off: there is none. unreachable: it does not answer, and Charon goes on without it.",
        examples=["ok"],
    )
    newest_table_a: date | None = Field(
        description="Day of the newest table A; null while there is none.", examples=["2024-01-31"]
    )
    sources: list[SourceHealth] = Field(description="Sorted by code.")
    problems: list[ProblemHealth] = Field(description="Everything that is wrong; empty when all is well.")


@dataclass
class Kept:
    """What was found, and until when it is told again, by the monotonic clock."""

    told: dict[str, Any] = field(default_factory=dict)
    until: float = 0.0


kept = Kept()


def health() -> dict[str, Any]:
    """What is found, kept for a second: it costs 30 ms of a web worker's thread, and nobody is limited in asking.

    A database that fails shows within that second. That it cannot be asked is kept by nobody.
    """
    if time.monotonic() >= kept.until:
        kept.told = found()
        kept.until = time.monotonic() + KEPT_SECONDS
    return kept.told


def found() -> dict[str, Any]:
    """Some fifteen small queries. A source that fails does not make Charon ill, nor does Redis: it serves on."""
    now = clock.now()
    states = source_states.states(now)
    return {
        "status": "ok",
        "version": settings.VERSION,
        "database": "ok",
        "redis": redis_client.state(),
        "newest_table_a": currencies.newest_table_a(),
        "sources": [source_row(one) for one in states],
        "problems": problem_rows(detection.found(now, states)),
    }


def source_row(state: SourceState) -> dict[str, Any]:
    return {
        "code": state.source.code,
        "enabled": state.source.enabled,
        "last_success_at": state.last_success,
        "state": state.state,
        "reason": state.why or (state.trouble.reason if state.trouble else None),
        "since": state.trouble.since if state.trouble else None,
        "next_try_at": state.next_try,
        "behind": state.behind,
        "stands_in_for": state.stands_in_for or None,
    }


def problem_rows(found: list[Fault]) -> list[dict[str, Any]]:
    """What is found now, and what others reported, each since the register knows it; without the details."""
    known = {(row.kind, told_subject(row)): row.opened_at for row in open_problems()}
    reported = [key for key in known if key[0] not in detection.KINDS]
    keys = dict.fromkeys([*((one.kind, one.subject) for one in found), *reported])
    return [
        {"kind": kind, "subject": subject, "since": known.get((kind, subject)), "text": str(problems.KINDS[kind].title)}
        for kind, subject in sorted(keys)
    ]


def told_subject(row: Problem) -> str:
    return "" if problems.KINDS[row.kind].private else row.subject


def open_problems() -> list[Problem]:
    """Of the kinds that this release knows."""
    return list(problems.current().filter(kind__in=problems.KINDS))


def is_faulty(told: dict[str, Any]) -> bool:
    """Whether something is wrong that `?strict=1` and pulse's health answer 503 for."""
    return any(problems.is_unhealthy(row["kind"]) for row in told["problems"])
