"""One Parquet of all closed years, out of the files that lie there, a group of rows for each code.

A figure is `units` divided by ten to the power of `scale`, with all digits as published. As decimals with ten places,
which would be one column less, twenty years of the euro weigh 15.5 kB instead of 6.8: most of that are zeros.
"""

import io
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from markets.history_files.content import Day

PACKAGE = "pyarrow"
DELTA = "DELTA_BINARY_PACKED"
WRITING = {
    "compression": "brotli",
    "compression_level": 11,
    "use_dictionary": ["code", "quote", "unit", "source", "table", "scale"],
    "column_encoding": {"effective_date": DELTA, "units": DELTA, "table_no": "DELTA_BYTE_ARRAY"},
    "store_schema": False,
    # By these a reader leaves out groups of rows; of the others the footer would be longer by 30 bytes a column.
    "write_statistics": ["code", "effective_date"],
    "version": "2.6",
}


class Year(msgspec.Struct):
    """The part of a file that the columns are made of."""

    code: str
    quote: str
    unit: str | int
    rows: list[Day]


def is_installed() -> bool:
    return find_spec(PACKAGE) is not None


def schema_of(pa: Any) -> Any:
    text = pa.string()
    return pa.schema(
        {
            "code": text, "quote": text, "unit": text, "effective_date": pa.date32(), "units": pa.int64(),
            "scale": pa.int8(), "source": text, "table": text, "table_no": text,
        }
    )  # fmt: skip


def made(codes: list[list[Path]]) -> bytes:
    """The files of each code, its years ascending. A row without a figure (none is known) has no units."""
    import pyarrow as pa
    from pyarrow import parquet

    sink, schema = io.BytesIO(), schema_of(pa)
    with parquet.ParquetWriter(sink, schema, **WRITING) as writer:
        for paths in codes:
            rows = [row for path in paths for row in rows_of(path)]
            if rows:
                columns = [list(column) for column in zip(*rows, strict=True)]
                arrays = [pa.array(one, field.type) for one, field in zip(columns, schema, strict=True)]
                writer.write_table(pa.table(arrays, schema=schema))
    return sink.getvalue()


def rows_of(path: Path) -> Iterator[tuple[Any, ...]]:
    with suppress(FileNotFoundError):  # taken away meanwhile: then what is made here is made anew
        year = msgspec.json.decode(path.read_bytes(), type=Year)
        for row in year.rows:
            yield (
                *(year.code, year.quote, str(year.unit), date.fromisoformat(row.day), *units_of(row.figure)),
                *(row.source, row.table, row.number),
            )


def units_of(figure: str | None) -> tuple[int | None, int | None]:
    if figure is None:
        return None, None
    scale = len(figure.partition(".")[2])
    return int(Decimal(figure).scaleb(scale)), scale
