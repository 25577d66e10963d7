"""Columns for programs: Parquet and the stream of Arrow. Their package is an optional extra (requirements-exports.txt).

Figures are exact decimals, days and moments have types of their own.
"""

import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from importlib.util import find_spec
from itertools import islice
from typing import Any

from markets.errors import QuestionError
from markets.exports.cells import as_json
from markets.exports.format import Chunks, Column, Dialect, Format, Kind, Row

PACKAGE = "pyarrow"
# The widest decimal of both formats; tables keep 20 digits before the point and 10 behind it, computed figures more.
DIGITS, DECIMALS = 38, 18
# Chunks in a group of rows of Parquet, of which readers take one at a time.
GROUP = 50


class NotInstalledError(QuestionError):
    """The format exists, and this installation lacks its package."""

    status = 422
    code = "format_not_installed"


def is_installed(columns: Sequence[Column]) -> None:  # noqa: ARG001
    if find_spec(PACKAGE) is None:
        message = f"This format needs {PACKAGE}, which is not installed here"
        how = {"install": "make exports", "or": "pip install -r requirements-exports.txt"}
        raise NotInstalledError(message, how)


def value_of(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind is Kind.FIGURE:
        return Decimal(value)
    return value if kind is not Kind.TEXT or isinstance(value, str) else as_json(value)


def schema_of(pa: Any, columns: Sequence[Column]) -> Any:
    types = {
        Kind.TEXT: pa.string(),
        Kind.FIGURE: pa.decimal128(DIGITS, DECIMALS),
        Kind.COUNT: pa.int64(),
        Kind.REAL: pa.float64(),
        Kind.DAY: pa.date32(),
        Kind.MOMENT: pa.timestamp("us", "UTC"),
        Kind.TRUTH: pa.bool_(),
    }
    return pa.schema([(column.name, types[column.kind]) for column in columns])


def batch_of(pa: Any, columns: Sequence[Column], schema: Any, rows: Sequence[Row]) -> Any:
    values = [[value_of(column.kind, row.get(column.name)) for row in rows] for column in columns]
    arrays = [pa.array(one, field.type) for one, field in zip(values, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def taken(sink: io.BytesIO) -> bytes:
    """What was written since the last time; the sink is empty again."""
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data


def arrow(columns: Sequence[Column], chunks: Chunks, dialect: Dialect) -> Iterator[bytes]:  # noqa: ARG001
    import pyarrow as pa

    schema, sink = schema_of(pa, columns), io.BytesIO()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), schema) as writer:
        for rows in chunks:
            writer.write_batch(batch_of(pa, columns, schema, rows))
            yield taken(sink)
    yield taken(sink)


def parquet(columns: Sequence[Column], chunks: Chunks, dialect: Dialect) -> Iterator[bytes]:  # noqa: ARG001
    import pyarrow as pa
    from pyarrow import parquet as pq

    schema, sink = schema_of(pa, columns), io.BytesIO()
    with pq.ParquetWriter(pa.PythonFile(sink, "w"), schema) as writer:
        while group := [batch_of(pa, columns, schema, rows) for rows in islice(chunks, GROUP)]:
            writer.write_table(pa.Table.from_batches(group))
            yield taken(sink)
    yield taken(sink)


PARQUET = Format("parquet", "parquet", "application/vnd.apache.parquet", parquet, check=is_installed)
ARROW = Format("arrow", "arrows", "application/vnd.apache.arrow.stream", arrow, check=is_installed)
