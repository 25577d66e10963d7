"""The shapes of questions and answers. Lists are encoded straight from rows; a test holds them to these schemas."""

import re
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet
from ninja import Field, Schema
from pydantic import BeforeValidator

from markets.api import cursors
from markets.api.export_query import Export
from markets.errors import QuestionError

M = TypeVar("M", bound=Model)

MAX_LIMIT: int = settings.NINJA_PAGINATION_MAX_LIMIT
# PostgreSQL and SQLite count rows in 64 bits; nobody pages so far.
MAX_OFFSET = 1_000_000_000


def iso_date(value: Any) -> Any:
    """Only YYYY-MM-DD: pydantic alone would also take a count of seconds for a day."""
    if isinstance(value, date):
        return value
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", str(value)):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("there is no such day; write YYYY-MM-DD, for example 2024-01-31") from None
    raise ValueError("is not a date; write YYYY-MM-DD, for example 2024-01-31")


def whole_number(value: Any) -> Any:
    """Digits alone: pydantic would also take what Python writes, `1_000`, `+5`, ` 5 ` and `5.0`."""
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]+", value):
        raise ValueError("is not a whole number")
    return value


Whole = Annotated[int, BeforeValidator(whole_number)]
Day = Annotated[date, BeforeValidator(iso_date)]
Digits = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Code = Annotated[str, Field(min_length=1, max_length=32)]


class Fault(Schema):
    code: str = Field(description="What went wrong, for programs.", examples=["unknown_code"])
    message: str = Field(description="The same in words.", examples=["There is no currency 'USB'"])
    detail: Any = Field(
        description="What helps to put it right: nearest codes, or a list of wrong parameters; null if nothing does.",
        examples=[{"nearest": ["USD"]}],
    )
    id: str = Field(
        description="Also in the header X-Request-ID; name it when you report a fault.",
        examples=["4f6c1a52b9e84c0f8d5a7f0e3c2b1a09"],
    )


class Envelope(Schema):
    """Every error of the API looks like this."""

    error: Fault = Field(description="What went wrong.")


# What any operation may answer: 401 for a token that is not valid, 413 for a body that is larger
# than the address takes (`charon.serving.bodies`), 429 beyond a limit (`charon.api.limits`).
COMMON_ERRORS = dict.fromkeys((400, 401, 403, 413, 422, 429, 500, 503), Envelope)
SERIES_ERRORS = {404: Envelope, **COMMON_ERRORS}


class Paging(Export):
    limit: Whole = Field(
        100, ge=1, le=MAX_LIMIT, description="How many items to send.", json_schema_extra={"example": 100}
    )
    offset: Whole = Field(
        0, ge=0, le=MAX_OFFSET, description="How many items to leave out first.", json_schema_extra={"example": 0}
    )

    def of(self, rows: QuerySet[M]) -> QuerySet[M]:
        return rows[self.offset : None if self.whole else self.offset + self.limit]

    @property
    def has_cursor(self) -> bool:
        return False

    def next(self, rows: QuerySet[Any, Any]) -> dict[str, Any]:  # noqa: ARG002 - a cursor is one of its rows
        """The parameters that the next page differs by."""
        return {"offset": self.offset + self.limit}


class NewestFirst(Paging):
    """A page of a list that grows at its beginning: its next page is named by a row, not by a number."""

    cursor: Annotated[str, Field(min_length=1, max_length=cursors.LONGEST)] | None = Field(
        None,
        description="Where the page before ended: `cursor` of its header `Link`. New rows do not move it, as they do "
        "an offset, which cannot be given beside it.",
        json_schema_extra={"example": None},
    )

    @property
    def has_cursor(self) -> bool:
        return bool(self.cursor)

    def of(self, rows: QuerySet[M]) -> QuerySet[M]:
        """A union has been cut by its own query already (`markets.queries.revisions`)."""
        self.begins_once()
        return super().of(cursors.after(rows, self.cursor) if self.cursor and not rows.query.combinator else rows)

    def begins_once(self) -> None:
        if self.cursor and self.offset:
            raise QuestionError("cursor and offset both say where the page begins: give one", {"field": "cursor"})

    def next(self, rows: QuerySet[Any, Any]) -> dict[str, Any]:
        behind = cursors.after(rows, self.cursor) if self.cursor and not rows.query.combinator else rows
        return behind_cursor(cursors.of_row(behind, self.offset + self.limit - 1))


def behind_cursor(cursor: str | None) -> dict[str, Any]:
    return {"offset": "", "cursor": cursor} if cursor else {}


class SeriesQuery(Schema):
    from_: Day | None = Field(
        None,
        alias="from",
        description="First day, inclusive. Without it: 93 days, counted back from the last one.",
        json_schema_extra={"example": "2024-01-01"},
    )
    to: Day | None = Field(
        None,
        description="Last day, inclusive. Without it: today in Warsaw.",
        json_schema_extra={"example": "2024-01-31"},
    )
    source: Code | None = Field(
        None, description="Only the figures of this source (see /sources).", json_schema_extra={"example": "nbp"}
    )


class CurrencyItem(Schema):
    code: str = Field(description="ISO code.", examples=["USD"])
    name_pl: str = Field(description="Name in Polish, as the source writes it.", examples=["dolar amerykański"])
    name_en: str = Field(description="Name in English.", examples=["US Dollar"])
    unit: Literal[1] = Field(description="Units of the currency that the value is for: always 1.", examples=[1])
    value: Digits | None = Field(
        description="Newest canonical mid in PLN, with its published digits; null while there is none.",
        examples=["3.9350"],
    )
    table: str | None = Field(description="The table it stands in.", examples=["A"])
    effective_date: date | None = Field(description="The day whose rate this is.", examples=["2023-12-29"])
    previous: Digits | None = Field(
        description="The mid before that; null where it was for another unit.", examples=["3.8960"]
    )
    previous_date: date | None = Field(description="Its day.", examples=["2023-12-28"])
    change: Digits | None = Field(description="value less previous, in PLN.", examples=["0.0390"])
    source: str | None = Field(description="Who published it (see /sources).", examples=["nbp"])


class CurrencyPage(Schema):
    items: list[CurrencyItem] = Field(description="Sorted by code.")
    count: int = Field(description="All currencies, before paging.", examples=[180])
