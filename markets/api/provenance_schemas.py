"""The shapes of the answers about where a stored thing came from, one for each kind."""

from datetime import date, datetime
from typing import Literal

from ninja import Field, Schema

from markets.api.revision_schemas import MAX_ID, SHA256, OverrideItem, RevisionItem
from markets.api.schemas import Digits, Whole

# Longer names are of no kind.
LONGEST_KIND = 32


class ThingPath(Schema):
    kind: str = Field(
        max_length=LONGEST_KIND,
        description="publication, rate, revision, override or job; /provenance/signal/{id} is about a decision.",
        json_schema_extra={"example": "override"},
    )
    id: Whole = Field(
        ge=1, le=MAX_ID, description="Number of the row, as other answers name it.", json_schema_extra={"example": 5}
    )


class SourceFacts(Schema):
    code: str = Field(description="The source (see /sources).", examples=["nbp"])
    name: str = Field(description="Its full name.", examples=["Narodowy Bank Polski"])
    url: str = Field(description="The publisher's page.", examples=["https://api.nbp.pl/"])
    licence: str = Field(description="Terms of use.", examples=["MIT"])
    attribution: str = Field(description="The text that the terms ask for.", examples=["Źródło: NBP"])
    edition: str | None = Field(description="Version of an embedded archive today, else null.", examples=[None])


class Document(Schema):
    id: int = Field(description="Number of the publication.", examples=[123])
    table: str = Field(description="The table.", examples=["A"])
    table_no: str | None = Field(description="As published; gold has none.", examples=["096/A/NBP/2025"])
    effective_date: date = Field(description="The day for which it was published.", examples=["2025-05-20"])
    trading_date: date | None = Field(description="The day of the quotations (table C).", examples=[None])
    url: str = Field(
        description="The address of that table alone, without keys.",
        examples=["https://api.nbp.pl/api/exchangerates/tables/A/2025-05-20/?format=json"],
    )
    sha256: str = Field(description="Of the exact bytes of the table's own element.", examples=[SHA256])
    known_from: datetime = Field(description="When its first bytes came, UTC.", examples=["2025-05-20T09:47:12Z"])
    fetched_at: datetime = Field(
        description="When the bytes of `sha256` came, UTC; later than `known_from` where it was published again.",
        examples=["2025-05-20T09:47:12Z"],
    )
    job: int | None = Field(description="The job that fetched them; null once it is pruned.", examples=[120])


class Figure(Schema):
    id: int = Field(description="Number of the rate.", examples=[4711])
    code: str = Field(description="The instrument.", examples=["USD"])
    mid: Digits | None = Field(description="Mid rate with its published digits.", examples=["3.7747"])
    bid: Digits | None = Field(description="The bank buys (table C), else null.", examples=[None])
    ask: Digits | None = Field(description="The bank sells (table C), else null.", examples=[None])


class DatedFigure(Figure):
    table: str = Field(description="The table it stands in.", examples=["A"])
    effective_date: date = Field(description="The day whose rate this is.", examples=["2025-05-20"])


class ArchiveFacts(Schema):
    source: str = Field(description="The archive.", examples=["nbp_archive"])
    edition: str = Field(description="The version that was read.", examples=["1.0.7"])
    read_at: datetime = Field(
        description="When it brought a figure of that place, UTC.", examples=["2026-10-26T10:00:00Z"]
    )


class JobFacts(Schema):
    job_type: str = Field(description="What was done.", examples=["nbp.A"])
    status: str = Field(description="How it ended.", examples=["success"])
    trigger: str = Field(description="What started it.", examples=["schedule"])
    started_at: datetime = Field(description="Its beginning, UTC.", examples=["2026-10-26T10:00:00Z"])
    finished_at: datetime | None = Field(description="Its end; null while it runs.", examples=["2026-10-26T10:00:02Z"])
    rows_written: int = Field(description="Figures that it wrote.", examples=[32])
    revised: int = Field(description="Figures that it corrected.", examples=[0])


class OfPublication(Schema):
    kind: Literal["publication"] = Field(description="What this is about.", examples=["publication"])
    id: int = Field(description="Its number.", examples=[123])
    publication: Document = Field(description="The table with its proof.")
    source: SourceFacts = Field(description="Who published it.")
    rates: list[Figure] = Field(description="The figures in it, by code.")


class OfRate(Schema):
    kind: Literal["rate"] = Field(description="What this is about.", examples=["rate"])
    id: int = Field(description="Its number.", examples=[4711])
    rate: DatedFigure = Field(description="The figure.")
    source: SourceFacts = Field(description="Who published it.")
    publication: Document | None = Field(
        description="The table it stands in; null for figures of an archive, and for one that its table leaves out now."
    )
    archive: ArchiveFacts | None = Field(description="The archive that had a figure of that place first, if any.")
    known_from: datetime | None = Field(
        description="Since when this value is known here, UTC; null where nothing recorded it.",
        examples=["2025-05-20T09:47:12Z"],
    )
    revisions: list[RevisionItem] = Field(description="What was corrected, the oldest first.")
    overrides: list[OverrideItem] = Field(description="What operators set beside it, the oldest first.")


class OfRevision(Schema):
    kind: Literal["revision"] = Field(description="What this is about.", examples=["revision"])
    id: int = Field(description="Its number.", examples=[17])
    revision: RevisionItem = Field(description="Both values with their proofs.")
    source: SourceFacts = Field(description="Who gave the new value.")


class OfOverride(Schema):
    kind: Literal["override"] = Field(description="What this is about.", examples=["override"])
    id: int = Field(description="Its number.", examples=[5])
    override: OverrideItem = Field(description="What was set.")
    published: list[int] = Field(
        description="The published rates of that place, for /provenance/rate/{id}.", examples=[[4711]]
    )


class OfJob(Schema):
    kind: Literal["job"] = Field(description="What this is about.", examples=["job"])
    id: int = Field(description="Its number.", examples=[120])
    job: JobFacts = Field(description="The run.")
    source: SourceFacts | None = Field(description="The source that it asked; null where it asked none.")
    publications: int = Field(description="Tables whose bytes of today it fetched.", examples=[1])
    revisions: int = Field(description="Corrections that it noticed.", examples=[0])


Provenance = OfPublication | OfRate | OfRevision | OfOverride | OfJob
