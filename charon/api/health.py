"""GET /health: whether Charon can serve, and how fresh it is."""

from datetime import date
from typing import Any, Literal

from django.conf import settings
from ninja import Field, Schema
from pydantic import AwareDatetime

from markets.models import Source
from markets.queries import currencies, jobs
from markets.redis import client as redis_client


class SourceHealth(Schema):
    code: str = Field(description="The source.", examples=["nbp"])
    enabled: bool = Field(description="Whether it is asked at all.", examples=[True])
    last_success_at: AwareDatetime | None = Field(
        description="When it was last asked and answered.", examples=["2024-01-31T11:05:12Z"]
    )


class Health(Schema):
    status: Literal["ok"] = Field(description="Charon can serve.", examples=["ok"])
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


def health() -> dict[str, Any]:
    """Three small queries; a source that fails does not make Charon ill, it serves what it has. Nor does Redis."""
    ends = jobs.last_ends()
    sources = [
        {"code": code, "enabled": enabled, "last_success_at": ends.get(pk, {}).get("last_success_at")}
        for pk, code, enabled in Source.objects.order_by("code").values_list("id", "code", "enabled")
    ]
    return {
        "status": "ok",
        "version": settings.VERSION,
        "database": "ok",
        "redis": redis_client.state(),
        "newest_table_a": currencies.newest_table_a(),
        "sources": sources,
    }
