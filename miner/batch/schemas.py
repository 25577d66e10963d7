"""The response schemas of the priority batch, its queue and the rate limits."""

from typing import Literal

from ninja import Field, Schema
from pydantic import AwareDatetime

BatchState = Literal["running", "success", "skipped", "failed"]
SyncState = Literal["pending", "in_progress", "success", "failed", "stale"]


class BatchFault(Schema):
    symbol: str = Field(description="The instrument.", examples=["XAUUSD"])
    error: str = Field(description="What went wrong.", examples=["No data"])


class BatchResult(Schema):
    status: BatchState = Field(description="How it ended, or that it runs.", examples=["success"])
    batch_id: str | None = Field(description="Its id.", examples=["3f1c9a7b2d10"])
    job_id: int = Field(description="Its job (see /jobs).", examples=[4711])
    started_at: AwareDatetime = Field(description="When it began.", examples=["2024-01-31T11:05:00Z"])
    completed_at: AwareDatetime | None = Field(
        description="When it ended; null while it runs.", examples=["2024-01-31T11:05:01Z"]
    )
    duration_ms: int | None = Field(description="How long it took.", examples=[812])
    priority_updated: list[str] = Field(description="Instruments that got a new price.", examples=[["EURUSD"]])
    priority_failed: list[BatchFault] = Field(description="Instruments that got none, and why.")
    queue_processed: int = Field(description="Items of the queue served with it.", examples=[0])
    queue_remaining: int = Field(description="Items that still wait.", examples=[6])
    api_calls_used: int = Field(description="Calls to the sources, tries again included.", examples=[2])
    rate_limit_waits: int = Field(description="How often the budget made it wait.", examples=[0])
    errors: list[BatchFault] = Field(description="What went wrong, twenty at most.")
    fallbacks: dict[str, str] = Field(
        description="Instruments that their first source gave no new price of, and the source that has a fresh one.",
        examples=[{"EURUSD": "ecb"}],
    )


class AssetState(Schema):
    symbol: str = Field(description="The instrument.", examples=["BTCUSD"])
    source: str = Field(description="At which source.", examples=["polygon"])
    status: SyncState = Field(
        description="`stale`: the last success is older than two and a half polling intervals.", examples=["success"]
    )
    reason: str | None = Field(description="Why it waits or failed.", examples=["no_key"])
    last_success_at: AwareDatetime | None = Field(
        description="When it last got a price there.", examples=["2024-01-31T11:05:01Z"]
    )


class BatchTask(Schema):
    id: Literal["priority_batch", "queue_processor", "enqueue_secondary"] = Field(
        description="What it does.", examples=["priority_batch"]
    )
    name: str = Field(description="Its name in /stats/upcoming.", examples=["batch.priority"])
    next_run: AwareDatetime | None = Field(description="When it comes next.", examples=["2024-01-31T11:10:00Z"])


class BatchQuery(Schema):
    batch_id: str | None = Field(
        None,
        min_length=1,
        max_length=32,
        description="Only this run, as /batch/run has named it. Without it: the newest one.",
        json_schema_extra={"example": "3f1c9a7b2d10"},
    )


class BatchStatus(Schema):
    batch_id: str | None = Field(description="The newest batch; null before the first.", examples=["3f1c9a7b2d10"])
    status: Literal["running", "stopped"] = Field(
        description="Whether the batch is run by its timetable; how a batch ended is in `last_batch`.",
        examples=["running"],
    )
    is_running: bool = Field(description="The same; false also while nobody works off the timetable.", examples=[True])
    last_run: AwareDatetime | None = Field(description="When it began.", examples=["2024-01-31T11:05:00Z"])
    next_run: AwareDatetime | None = Field(description="When the next one begins.", examples=["2024-01-31T11:10:00Z"])
    last_batch: BatchResult | None = Field(description="What the newest batch did, or the one asked for.")
    priority_assets: list[str] = Field(
        description="The critical instruments.", examples=[["BTCUSD", "EURUSD", "XAUUSD"]]
    )
    asset_states: list[AssetState] = Field(description="Their states, one for each source, by symbol.")
    queue_size: int = Field(description="Items that wait in the queue.", examples=[6])
    api_calls_remaining: int | None = Field(
        description="Calls that the batch's own source allows at the moment; null when it is off.", examples=[3]
    )
    jobs: list[BatchTask] = Field(description="The timetable of the batch.")


class RunResult(Schema):
    duration_ms: int | None = Field(description="How long it took.", examples=[812])
    updated: list[str] = Field(description="Instruments that got a new price.", examples=[["EURUSD"]])
    failed: list[BatchFault] = Field(description="Instruments that got none, and why.")
    api_calls_used: int = Field(description="Calls to the sources, tries again included.", examples=[2])


class BatchRun(Schema):
    success: bool | None = Field(description="Whether it did its work; null while it runs.", examples=[True])
    batch_id: str = Field(description="Its id.", examples=["3f1c9a7b2d10"])
    result: RunResult | None = Field(description="What it did; null while it runs. /batch/status has all of it.")
    message: str = Field(description="In words.", examples=["3 updated, 0 failed"])


class QueueStats(Schema):
    size: int = Field(description="Items in it.", examples=[6])
    max_size: int = Field(description="Its places.", examples=[1000])
    by_priority: dict[str, int] = Field(
        description="Items by priority.", examples=[{"CRITICAL": 0, "HIGH": 3, "MEDIUM": 3, "LOW": 0}]
    )
    oldest_age_seconds: float | None = Field(description="Age of the oldest item.", examples=[42.5])
    total_enqueued: int = Field(description="Items ever put in.", examples=[1204])
    total_processed: int = Field(description="Items ever served.", examples=[1198])
    total_dropped: int = Field(description="Items ever given up: a full queue, or three tries.", examples=[0])


class Budget(Schema):
    limit: int = Field(description="Calls, or weight, in a window; 0: no limit is known.", examples=[5])
    window_seconds: int = Field(description="Length of the sliding window.", examples=[60])
    current_calls: int = Field(description="Used in the running window.", examples=[2])
    remaining: int = Field(description="Left in it.", examples=[3])
    reset_at: AwareDatetime | None = Field(
        description="When the oldest of them leaves the window; null when none is in it.",
        examples=["2024-01-31T11:06:00Z"],
    )
    total_calls: int = Field(description="Ever used.", examples=[52311])
    total_waits: int = Field(description="How often a task had to wait, or gave up waiting.", examples=[17])


class RateLimit(Budget):
    source: str = Field(description="The source.", examples=["polygon"])


class RateLimitPage(Budget):
    items: list[RateLimit] = Field(description="Sorted by source.")
    count: int = Field(description="How many there are.", examples=[4])
