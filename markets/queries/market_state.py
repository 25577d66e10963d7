"""What is wrong with the sources of markets, and which of their histories are being loaded."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from markets.models import Job, Problem

# What keeps new prices from coming.
FAULTS = ("source_failed", "source_stale")


@dataclass(frozen=True, slots=True)
class Fault:
    """Since when a source gives nothing, or nothing new."""

    source: str
    failed: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Filling:
    """How far the history of a source is loaded; `total` are date ranges."""

    source: str
    done: int
    total: int


def faults(sources: Collection[str]) -> list[Fault]:
    """One a source, the first that was seen; one query."""
    rows = Problem.objects.filter(kind__in=FAULTS, closed_at=None).order_by("opened_at", "pk")
    found: dict[str, Fault] = {}
    for kind, subject, since in rows.values_list("kind", "subject", "opened_at"):
        code = subject.partition(".")[0]
        if code in sources:
            found.setdefault(code, Fault(code, kind == "source_failed", since))
    return list(found.values())


def fillings(sources: Collection[str]) -> list[Filling]:
    """The histories that are being loaded now; one query."""
    rows = Job.objects.filter(status=Job.Status.RUNNING, windows__gt=1, source__code__in=sources).order_by("pk")
    return [Filling(*row) for row in rows.values_list("source__code", "windows_done", "windows")]
