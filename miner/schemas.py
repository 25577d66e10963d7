"""The shapes of answers about sources, jobs and the timetable."""

from datetime import date
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import AwareDatetime, BeforeValidator, ConfigDict, StrictBool, StrictInt

from markets.api.schemas import Code, Whole

Status = Literal["running", "success", "skipped", "failed"]
Moment = AwareDatetime


def whole(value: Any) -> Any:
    """JSON has one kind of number, and 60.0 is the integer 60 (JSON Schema, 6.1.1); a text or a boolean is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class SeriesItem(Schema):
    table: str = Field(description="Name of the table.", examples=["A"])
    kind: str = Field(description="What it prices.", examples=["currency"])
    since: date = Field(description="Its first day.", examples=["2002-01-02"])


class SourceItem(Schema):
    code: str = Field(description="How other endpoints name it.", examples=["nbp"])
    name: str = Field(description="Its name.", examples=["Narodowy Bank Polski"])
    url: str = Field(description="Where it says who it is.", examples=["https://api.nbp.pl/"])
    unit: str = Field(description="What its figures mean.", examples=["PLN for 1 unit"])
    limits: str = Field(description="What it asks of its callers.", examples=["93 days a request"])
    licence: str = Field(description="What may be done with its figures.", examples=["public information"])
    attribution: str = Field(description="How it wants to be named.", examples=["Source: NBP"])
    edition: str = Field(description="Edition of an embedded archive, else empty.", examples=["1.7.20261027"])
    stands_in_for: str | None = Field(description="The source that replaces its figures.", examples=[None])
    tables: list[SeriesItem] = Field(description="What it publishes.")
    available: bool = Field(description="Whether this release knows how to ask it.", examples=[True])
    enabled: bool = Field(description="Whether the operator lets it be asked.", examples=[True])
    paused_until: Moment | None = Field(description="The operator's pause.", examples=[None])
    cadence_seconds: int = Field(description="How often it is asked.", examples=[3600])
    public_display: bool = Field(description="Whether its figures are shown in public.", examples=[True])
    public_api: bool = Field(description="Whether the public API answers its figures.", examples=[True])
    needs_key: bool = Field(description="Whether it cannot be asked without an API key.", examples=[False])
    has_key: bool = Field(description="Whether the environment has a key for it; never the key.", examples=[False])
    last_success_at: Moment | None = Field(
        description="When it was last asked and answered rightly, be it that there was nothing new.",
        examples=["2024-01-31T11:05:12Z"],
    )
    last_failure_at: Moment | None = Field(description="When that last went wrong.", examples=[None])
    last_error: str | None = Field(description="What went wrong then.", examples=[None])


class SourcePage(Schema):
    items: list[SourceItem] = Field(description="Sorted by code.")
    count: int = Field(description="All sources, before paging.", examples=[2])


class NewSource(Schema):
    model_config = ConfigDict(extra="forbid")

    code: Code = Field(
        description="Code of an installed provider, or another name of it.", json_schema_extra={"example": "deribit"}
    )
    enabled: StrictBool = Field(
        default=True, description="Whether it is asked from now on.", json_schema_extra={"example": True}
    )
    cadence: Annotated[StrictInt | None, BeforeValidator(whole)] = Field(
        None,
        ge=5,
        le=86_400 * 31,
        description="Seconds between two questions; without it those that the provider begins with.",
        json_schema_extra={"example": 60},
    )
    base_url: str = Field(
        "",
        max_length=200,
        description="Another address of its API: https, a public host, no user name and no password.",
        json_schema_extra={"example": "https://api.bank.example/", "pattern": "^([hH][tT][tT][pP][sS]://[!-~]+)?$"},
    )

    def choices(self) -> dict[str, Any]:
        """What the operator has chosen; the rest is as the provider begins."""
        chosen = {"enabled": self.enabled, "polling_interval": self.cadence, "base_url": self.base_url}
        return {name: value for name, value in chosen.items() if value is not None}


class JobQuery(Schema):
    type: Code | None = Field(None, description="Only jobs of this type.", json_schema_extra={"example": "nbp.A"})
    status: Status | None = Field(
        None, description="Only jobs in this state.", json_schema_extra={"example": "success"}
    )
    source: Code | None = Field(None, description="Only jobs of this source.", json_schema_extra={"example": "nbp"})


class JobItem(Schema):
    id: int = Field(description="Its number.", examples=[4711])
    job_type: str = Field(description="Source and table.", examples=["nbp.A"])
    source: str | None = Field(description="The source it asked.", examples=["nbp"])
    status: Status = Field(description="`skipped`: there was rightly nothing to do.", examples=["success"])
    trigger: str = Field(
        description="Who started it: schedule, window, start, command or operator.", examples=["schedule"]
    )
    reason: str = Field(description="Why it was skipped or failed, in one word; else empty.", examples=["weekend"])
    started_at: Moment = Field(description="Start.", examples=["2024-01-31T11:05:00Z"])
    finished_at: Moment | None = Field(description="End; null while it runs.", examples=["2024-01-31T11:05:01Z"])
    duration_seconds: float | None = Field(description="From start to end; null while it runs.", examples=[1.25])
    rows_written: int = Field(description="Figures written.", examples=[33])
    revised: int = Field(description="Figures that the source had changed.", examples=[0])
    refused: int = Field(description="Figures that were not let in; `notes` name them.", examples=[0])
    requests: int = Field(description="Requests made.", examples=[1])
    retries: int = Field(description="Requests made again.", examples=[0])
    waited_seconds: float = Field(description="Time waited between tries.", examples=[0.0])
    windows: int = Field(description="Parts of a long run.", examples=[98])
    windows_done: int = Field(description="Parts that are stored.", examples=[37])
    reached: date | None = Field(description="Everything up to this day is stored.", examples=["2012-05-31"])
    repeats: int = Field(description="How often the same skip came again that day.", examples=[0])
    notes: list[str] = Field(description="Refused figures and new codes.", examples=[["new codes: XYZ"]])
    error: str = Field(description="What went wrong, without keys; else empty.", examples=[""])


class JobPage(Schema):
    items: list[JobItem] = Field(description="Newest first.")
    count: int = Field(description="All that match, before paging.", examples=[120])


class MinerQuery(Schema):
    limit: Whole = Field(
        20, ge=1, le=1000, description="How many of the last jobs to send.", json_schema_extra={"example": 20}
    )


class TypeItem(Schema):
    job_type: str = Field(description="Source and table.", examples=["nbp.A"])
    last_success_at: Moment | None = Field(
        description="End of its last run that wrote something.", examples=["2024-01-31T11:05:01Z"]
    )
    last_run_at: Moment = Field(description="Start of its last run.", examples=["2024-01-31T12:05:00Z"])
    last_status: Status = Field(description="How that run stands.", examples=["skipped"])


class StatusCounts(Schema):
    running: int = Field(description="Jobs at work.", examples=[1])
    success: int = Field(description="Jobs that wrote something.", examples=[310])
    skipped: int = Field(description="Jobs with rightly nothing to do.", examples=[88])
    failed: int = Field(description="Jobs that went wrong.", examples=[2])


class MinerStats(Schema):
    jobs: list[JobItem] = Field(description="The last jobs, newest first.")
    count: int = Field(description="All jobs that are kept.", examples=[401])
    mean_duration_seconds: float | None = Field(
        description="Mean duration of the successful jobs; null while there is none.", examples=[1.482]
    )
    rows_written: int = Field(description="Figures written by all jobs together.", examples=[395210])
    counts: StatusCounts = Field(description="Jobs by state.")
    types: list[TypeItem] = Field(description="Every type of job, sorted.")


class UpcomingItem(Schema):
    name: str = Field(description="Name of the entry.", examples=["nbp.A.window.11"])
    task: str = Field(description="What will run.", examples=["miner.tasks.mine"])
    source: str | None = Field(description="The source it will ask.", examples=["nbp"])
    next_run: Moment | None = Field(description="When.", examples=["2024-01-31T11:45:00Z"])
    cron: str | None = Field(description="Its cron line, Europe/Warsaw.", examples=["45,55 11 * * 1-5"])
    minutes: int | None = Field(description="Its interval, where it is a minute or more.", examples=[None])
    state: Literal["active", "paused", "disabled"] = Field(
        description="Whether the operator lets its source be asked; a run of the others does nothing.",
        examples=["active"],
    )
    every_seconds: int | None = Field(description="Its interval, where it has no cron line.", examples=[None])


class UpcomingPage(Schema):
    items: list[UpcomingItem] = Field(description="The soonest first.")
    count: int = Field(description="All entries, before paging.", examples=[12])
