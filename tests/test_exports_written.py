"""How a format writes rows: nothing that a spreadsheet runs, exact numbers, and no more memory for more rows."""

import csv
import gc
import io
import re
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.db import connection

from markets.api import exports
from markets.exports import FORMATS, workbook
from markets.exports.format import Chunks, Column, Dialect, Kind, Row, Rows

COLUMNS = [
    Column("code"),
    Column("day", Kind.DAY),
    Column("mid", Kind.FIGURE),
    Column("count", Kind.COUNT),
    Column("seconds", Kind.REAL),
    Column("at", Kind.MOMENT),
    Column("sure", Kind.TRUTH),
    Column("more"),
]
ROW: Row = {
    "code": "USD",
    "day": date(2026, 10, 26),
    "mid": "3.6410",
    "count": 5,
    "seconds": 0.25,
    "at": datetime(2026, 10, 26, 11, 59, tzinfo=UTC),
    "sure": True,
    "more": ["a", "b"],
}
PRICE = ROW | {"effective_date": date(2026, 10, 26), "base": "USD", "quote": "PLN", "source": "nbp",
               "table_no": "208/A/NBP/2026"}  # fmt: skip
# What OWASP names, and what Excel reads as the same.
FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－A1",
    "＠x",
    "-",
    "=",
    "-1-",
]
PLAIN = [
    "USD",
    "a=b",
    "1+1",
    "",
    " =1",
    "dolar amerykański",
    "-1.5",
    "+1",
    "-1,5",
    "'=1",
    'say "x"',
    "a;b,c\td|e",
    "two\nlines",
]


def written(name: str, rows: list[Row], columns: list[Column] = COLUMNS, **dialect: Any) -> bytes:
    one = FORMATS[name]
    return b"".join(one.write(columns, iter([rows]), (one.dialect or Dialect())._replace(**dialect)))


def cells(data: bytes, sep: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=sep))


# Formulas


@pytest.mark.parametrize(("name", "sep"), [("csv", ","), ("excel-pl", ";"), ("sheets-pl", "\t")])
@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_one_that_a_spreadsheet_runs(name: str, sep: str, text: str) -> None:
    _head, row = cells(written(name, [ROW | {"code": text, "more": text}]), sep)
    shown = "'" + text.replace("\r", "\n")
    assert (row[0], row[-1]) == (shown, shown)


@pytest.mark.parametrize(("name", "sep"), [("csv", ","), ("excel-pl", ";"), ("sheets-pl", "\t")])
@pytest.mark.parametrize("text", PLAIN)
def test_every_other_text_is_as_it_was(name: str, sep: str, text: str) -> None:
    _head, row = cells(written(name, [ROW | {"code": text}]), sep)
    assert row[0] == text


@pytest.mark.parametrize("name", ["csv", "excel-pl"])
def test_a_negative_figure_is_a_number_and_what_is_none_is_harmless(name: str) -> None:
    data = written(name, [ROW | {"mid": "-0.0390"}, ROW | {"mid": "=1+1"}])
    values = [row[2] for row in cells(data, FORMATS[name].dialect.sep)[1:]]  # type: ignore[union-attr]
    assert values == ["-0.0390" if name == "csv" else "-0,0390", "'=1+1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_workbook_has_texts_and_no_formulas(text: str) -> None:
    data = written("xlsx", [ROW | {"code": text}])
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert 't="inlineStr"' in sheet


# Values


def test_every_kind_of_value_as_text() -> None:
    _head, row = cells(written("csv", [ROW]), ",")
    assert row == ["USD", "2026-10-26", "3.6410", "5", "0.25", "2026-10-26T11:59:00Z", "true", '["a","b"]']
    _head, row = cells(written("excel-pl", [ROW]), ";")
    assert row[2:6] == ["3,6410", "5", "0,25", "2026-10-26T11:59:00Z"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["csv", "excel-pl", "xlsx"])
def test_what_is_not_known_is_an_empty_cell(name: str) -> None:
    data = written(name, [dict.fromkeys(ROW), ROW])
    if name == "xlsx":
        frame = pd.read_excel(io.BytesIO(data))
    else:
        frame = pd.read_csv(io.BytesIO(data), sep=FORMATS[name].dialect.sep)  # type: ignore[union-attr]
    assert frame.isna().iloc[0].all()
    assert frame.notna().iloc[1].all()


def test_a_workbook_has_numbers_with_their_published_decimals_and_days() -> None:
    frame = pd.read_excel(io.BytesIO(written("xlsx", [ROW, ROW | {"mid": "123456.78"}])), dtype={"code": str})
    first = frame.iloc[0]
    assert (first["mid"], first["count"], first["seconds"], first["sure"]) == (3.641, 5, 0.25, True)
    assert (first["day"], first["at"]) == (pd.Timestamp("2026-10-26"), pd.Timestamp("2026-10-26 11:59"))
    assert first["more"] == '["a","b"]'
    styles = zipfile.ZipFile(io.BytesIO(written("xlsx", [ROW]))).read("xl/styles.xml").decode()
    assert {"0.0000", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"} <= set(re.findall(r'formatCode="(.*?)"', styles))


def test_what_no_cell_can_hold_is_text_or_cut_with_a_sign() -> None:
    frame = pd.read_excel(
        io.BytesIO(written("xlsx", [ROW | {"mid": "1234567890.1234567", "code": "x" * 40_000}])), dtype=str
    )
    assert frame["mid"][0] == "1234567890.1234567"
    assert (len(frame["code"][0]), frame["code"][0][-1]) == (32_767, "…")


def test_a_full_sheet_is_followed_by_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 3)
    sheets = pd.read_excel(
        io.BytesIO(written("xlsx", [ROW | {"count": number} for number in range(5)])), sheet_name=None
    )
    assert [list(sheet["count"]) for sheet in sheets.values()] == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("beancount", ["2026-10-26 price USD 3.6410 PLN", '  source: "nbp"', '  table_no: "208/A/NBP/2026"']),
        ("ledger", ["; nbp 208/A/NBP/2026", "P 2026-10-26 USD 3.6410 PLN"]),
        ("gnucash", ["Date,From Namespace,From Symbol,Currency To,Amount,Source,Table",
                     "2026-10-26,CURRENCY,USD,PLN,3.6410,nbp,208/A/NBP/2026"]),
    ],
)  # fmt: skip
def test_a_price_line_has_its_source_and_its_table(name: str, lines: list[str]) -> None:
    assert written(name, [PRICE | {"unit": 1}]).decode().splitlines() == lines


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("beancount", "2026-10-26 price XAU-G 595.71 PLN"),
        ("ledger", 'P 2026-10-26 "XAU-G" 595.71 PLN'),
        ("gnucash", "2026-10-26,COMMODITY,XAU-G,PLN,595.71,nbp,"),
    ],
)
def test_gold_is_counted_in_grams(name: str, line: str) -> None:
    row = {"effective_date": date(2026, 10, 26), "price": "595.71", "unit": "g", "source": "nbp"}
    assert line in written(name, [row]).decode().splitlines()


@pytest.mark.parametrize("name", ["beancount", "ledger"])
def test_a_row_without_a_mid_is_a_comment(name: str) -> None:
    text = written(name, [PRICE | {"mid": None, "bid": "3.6", "ask": "3.7"}]).decode()
    assert text == "; 2026-10-26 USD: no mid (nbp 208/A/NBP/2026)\n"


# Memory


class Counted:
    """Rows that know how many of them were asked for."""

    def __init__(self, count: int) -> None:
        self.count, self.read, self.closed = count, 0, False

    def rows(self, first: int | None = None) -> Iterator[Row]:
        try:
            for number in range(self.count):
                self.read += 1
                yield PRICE | {"count": number}
        finally:
            self.closed = True


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "none")


def chunks(counted: Counted) -> Chunks:
    return exports.chunks_of(Rows(counted.rows))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["csv", "ndjson", "excel-pl", "beancount"])
def test_a_row_is_read_when_its_bytes_are_asked_for(name: str) -> None:
    counted = Counted(50_000)
    pieces = FORMATS[name].write(COLUMNS, chunks(counted), Dialect())
    assert counted.read == 0
    for _ in range(3):
        next(pieces)
    assert counted.read <= 3 * exports.CHUNK
    del pieces
    gc.collect()
    assert counted.closed


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rows"), [("csv", 5_000), ("ndjson", 5_000), ("xlsx", 500)])
def test_ten_times_the_rows_take_no_more_memory(name: str, rows: int) -> None:
    def peak(count: int) -> int:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for _ in FORMATS[name].write(COLUMNS, chunks(Counted(count)), Dialect()):
            pass
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        peak(1_000)  # what is loaded once
        few, many = peak(rows), peak(10 * rows)
    finally:
        tracemalloc.stop()
    assert many < few * 1.5 + 1_000_000


def test_a_workbook_that_nobody_waits_for_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pieces = FORMATS["xlsx"].write(COLUMNS, chunks(Counted(5_000)), Dialect())
    assert next(pieces) == b""
    assert list(tmp_path.iterdir())
    pieces.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())
