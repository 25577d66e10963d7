"""Lines of cells: CSV, and the two dialects that spreadsheets set to Polish open without a question."""

from collections.abc import Iterator, Sequence

from markets.exports.cells import cells
from markets.exports.format import Chunks, Column, Dialect, Format


def write(columns: Sequence[Column], chunks: Chunks, dialect: Dialect) -> Iterator[bytes]:
    """A line of names, then a piece of bytes for each chunk; quotes as in RFC 4180."""
    import pandas as pd  # 45 MB and 0.3 s that a web process has no other use for

    def lines(frame: pd.DataFrame, *, header: bool) -> bytes:
        return frame.to_csv(index=False, header=header, sep=dialect.sep, lineterminator=dialect.end).encode()

    head = lines(pd.DataFrame(columns=[column.name for column in columns]), header=True)
    yield (b"\xef\xbb\xbf" if dialect.bom else b"") + head
    for rows in chunks:
        table = {column.name: cells(column, rows, dialect.dec) for column in columns}
        yield lines(pd.DataFrame(table, dtype=object), header=False)


CSV = Format("csv", "csv", "text/csv; charset=utf-8", write, Dialect())
# Excel takes the separator and the decimal mark from the settings of Windows, and UTF-8 from the byte order mark.
EXCEL_PL = Format("excel-pl", "csv", "text/csv; charset=utf-8", write, Dialect(";", ",", bom=True, end="\r\n"))
# IMPORTDATA splits at commas or tabs alone, and reads numbers by the locale of the sheet.
SHEETS_PL = Format("sheets-pl", "tsv", "text/tab-separated-values; charset=utf-8", write, Dialect("\t", ","))
