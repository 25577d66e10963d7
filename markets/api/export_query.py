"""The parameters that every list takes for being written as a file."""

from typing import TYPE_CHECKING, Literal, Self

from django.conf import settings
from ninja import Field, Schema
from pydantic import model_validator

from markets.exports import FORMATS

JSON = "json"
SEPARATORS = {",": ",", ";": ";", "tab": "\t", "|": "|"}

if TYPE_CHECKING:
    FormatName = str
else:
    FormatName = Literal[(JSON, *FORMATS)]


class Export(Schema):
    format: FormatName = Field(
        default=JSON,
        description="How to write the list (docs/exports.md). Without `limit` a format other than json has all rows. "
        "parquet and arrow need an extra package; beancount, ledger and gnucash are for rates and gold.",
        json_schema_extra={"example": JSON},
    )
    sep: Literal[",", ";", "tab", "|"] | None = Field(
        default=None,
        description="What stands between two cells, for csv, excel-pl and sheets-pl.",
        json_schema_extra={"example": ";"},
    )
    dec: Literal[".", ","] | None = Field(
        default=None,
        description="The decimal mark, for csv, excel-pl and sheets-pl; another one than `sep`.",
        json_schema_extra={"example": ","},
    )
    bom: Literal["0", "1"] | None = Field(
        default=None,
        description="Whether the file begins with a byte order mark, for csv, excel-pl and sheets-pl.",
        json_schema_extra={"example": "1"},
    )

    @property
    def whole(self) -> bool:
        """A file without a limit has every row."""
        return self.format != JSON and "limit" not in self.model_fields_set

    @model_validator(mode="after")
    def as_many_as_a_page_can_have(self) -> Self:
        """For lists that are cut in memory. Not a limit that was asked for: `model_fields_set` stays as it is."""
        if self.whole and "limit" in type(self).model_fields:
            self.__dict__["limit"] = settings.NINJA_PAGINATION_MAX_LIMIT
        return self
