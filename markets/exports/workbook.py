"""A workbook of Excel: figures are numbers that show their published digits, days are days, nothing is a formula.

pandas writes column by column, which keeps a whole sheet in memory; XlsxWriter, its own engine, writes row by row here.
A workbook is an archive that is only complete at its end: it grows in a temporary file, and is sent from there.
"""

import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from markets.exports.cells import NUMBER, as_json
from markets.exports.format import NUMBERS, Chunks, Column, Dialect, Format, Kind

# Excel's own limits: rows of a sheet, characters of a cell, digits of a number.
MAX_ROWS = 1_048_576
MAX_TEXT = 32_767
MAX_DIGITS = 15
PIECE = 64 * 1024


class Book:
    """An open workbook and the sheet that is being written; a full sheet is followed by another one."""

    def __init__(self, folder: Path, columns: Sequence[Column]) -> None:
        self.path = folder / "export.xlsx"
        options = {"constant_memory": True, "tmpdir": str(folder), "default_date_format": "yyyy-mm-dd"}
        self.book = xlsxwriter.Workbook(str(self.path), options)
        self.columns = columns
        self.formats: dict[str, Any] = {}
        self.begin()

    def begin(self) -> None:
        self.sheet, self.row = self.book.add_worksheet(), 1
        self.sheet.freeze_panes(1, 0)
        for place, column in enumerate(self.columns):
            self.sheet.write_string(0, place, column.name, self.shown("bold"))

    def add(self, row: dict[str, Any]) -> None:
        if self.row == MAX_ROWS:
            self.begin()
        for place, column in enumerate(self.columns):
            if (value := row.get(column.name)) is not None:
                self.cell(place, column.kind, value)
        self.row += 1

    def cell(self, place: int, kind: Kind, value: Any) -> None:
        if kind in NUMBERS and (number := number_of(value)) is not None:
            decimals = max(0, -int(number.as_tuple().exponent)) if kind is Kind.FIGURE else 0
            how = "General" if kind is Kind.REAL else f"0.{'0' * decimals}".rstrip(".")
            self.sheet.write_number(self.row, place, number, self.shown(how))
        elif isinstance(value, datetime):
            naive = value.astimezone(UTC).replace(tzinfo=None)
            self.sheet.write_datetime(self.row, place, naive, self.shown("yyyy-mm-dd hh:mm:ss"))
        elif isinstance(value, date) and value.year >= 1900:  # the calendar of Excel begins there
            self.sheet.write_datetime(self.row, place, value, self.shown("yyyy-mm-dd"))
        elif kind is Kind.TRUTH:
            self.sheet.write_boolean(self.row, place, value)
        else:
            self.sheet.write_string(self.row, place, shortened(value if isinstance(value, str) else as_json(value)))

    def leave(self) -> None:
        """The rows of each sheet are in a file of its own until the book is closed."""
        for sheet in self.book.worksheets():
            sheet.row_data_fh.close()

    def shown(self, how: str) -> Any:
        if how not in self.formats:
            self.formats[how] = self.book.add_format({"bold": True} if how == "bold" else {"num_format": how})
        return self.formats[how]


def number_of(value: Any) -> Decimal | None:
    """None for what a cell cannot hold digit by digit: it is written as text."""
    text = str(value)
    if not NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return number if len(number.as_tuple().digits) <= MAX_DIGITS else None


def shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def write(columns: Sequence[Column], chunks: Chunks, dialect: Dialect) -> Iterator[bytes]:  # noqa: ARG001
    """Empty pieces while the file grows: whoever reads may give up between two of them."""
    with tempfile.TemporaryDirectory(prefix="charon-export-") as folder:
        made = Book(Path(folder), columns)
        try:
            for rows in chunks:
                for row in rows:
                    made.add(row)
                yield b""
            made.book.close()
        finally:
            made.leave()
        with made.path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


XLSX = Format("xlsx", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write)
