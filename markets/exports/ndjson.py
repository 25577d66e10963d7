"""One JSON object a line, as the list has it: figures are strings with all their digits."""

from collections.abc import Iterator, Sequence

import msgspec

from markets.exports.format import Chunks, Column, Dialect, Format


def write(columns: Sequence[Column], chunks: Chunks, dialect: Dialect) -> Iterator[bytes]:  # noqa: ARG001
    encoder = msgspec.json.Encoder()
    for rows in chunks:
        yield encoder.encode_lines(rows)


NDJSON = Format("ndjson", "ndjson", "application/x-ndjson; charset=utf-8", write)
