"""The result of a batch, which adds up what its calls brought."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from miner.collect import prices as price_collector

JOB = "batch.priority"
MAX_ERRORS = 20


@dataclass(slots=True)
class BatchResult:
    """The result of one run, as `/batch/run` returns it; the duration is in the job."""

    batch_id: str
    priority_updated: list[str] = field(default_factory=list)
    priority_failed: list[dict[str, str]] = field(default_factory=list)
    queue_processed: int = 0
    queue_remaining: int = 0
    api_calls_used: int = 0
    rate_limit_waits: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    # By instrument without a new price from its first source: another source that has a fresh one.
    fallbacks: dict[str, str] = field(default_factory=dict)

    def add(self, result: price_collector.Result) -> None:
        self.api_calls_used += result.calls
        self.rate_limit_waits += result.waits
        self.errors = (self.errors + faults(result.failed))[:MAX_ERRORS]


def faults(failed: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"symbol": code, "error": message} for code, message in failed.items()]


def new_id() -> str:
    return uuid.uuid4().hex[:12]
