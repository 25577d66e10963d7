"""Exports in the programs that they are for: LibreOffice opens them without a question, Arrow reads its columns."""

import csv
import os
import subprocess
from decimal import Decimal
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from e2e.installation import Installation

SOFFICE = os.environ.get("SOFFICE", "/usr/bin/soffice")
RATES = "/rates?code=USD&from=2026-01-01&to=2026-10-26"
# LibreOffice writes what its cells hold: 44,34,76,1 are comma, quotes, UTF-8 and the first row; then texts in quotes,
# numbers without, values and not how they are shown, formulas as what they come to.
TO_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false"
# As Excel in Poland opens a file: semicolons (59), the numbers of Poland (1045), and what looks like a number is one.
AS_POLISH = "Text - txt - csv (StarCalc):59,34,76,1,,1045,false,true,false"


@pytest.fixture
def sent(installation: Installation) -> list[dict[str, str]]:
    return list(httpx.get(f"{installation.url}{RATES}&limit=1000").json()["items"])


def fetched(installation: Installation, folder: Path, name: str, suffix: str) -> Path:
    answer = httpx.get(f"{installation.url}{RATES}&format={name}")
    assert answer.status_code == 200, answer.text
    path = folder / f"rates.{suffix}"
    path.write_bytes(answer.content)
    return path


def opened(path: Path, folder: Path, *how: str) -> list[list[tuple[str, bool]]]:
    """The cells as LibreOffice holds them: text, and whether it is a number (which it writes without quotes)."""
    profile, target = f"-env:UserInstallation=file://{folder}/profile", folder / "opened"
    command = [SOFFICE, "--headless", profile, *how, "--convert-to", TO_CSV, "--outdir", str(target), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    [made] = list(target.glob("*.csv")) or [Path(done.stderr or done.stdout)]
    lines = made.read_text(encoding="utf-8-sig").splitlines()
    quoted = [[cell.startswith('"') for cell in line.split(",")] for line in lines]
    return [
        list(zip(row, (not one for one in marks), strict=True))
        for row, marks in zip(csv.reader(lines), quoted, strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "suffix", "how"), [("xlsx", "xlsx", ()), ("excel-pl", "csv", (f"--infilter={AS_POLISH}",))]
)
def test_libreoffice_opens_a_list_with_numbers_as_numbers(
    installation: Installation, sent: list[dict[str, str]], tmp_path: Path, name: str, suffix: str, how: tuple[str, ...]
) -> None:
    head, *rows = opened(fetched(installation, tmp_path, name, suffix), tmp_path, *how)
    names = [cell for cell, _ in head]
    assert names == list(sent[0])
    assert len(rows) == len(sent) > 200
    mid, unit, code, number = (names.index(one) for one in ("mid", "unit", "code", "table_no"))
    for row, figures in zip(rows, sent, strict=True):
        assert (row[mid][1], row[unit][1]) == (True, True), "a number is no text"
        assert Decimal(row[mid][0]) == Decimal(figures["mid"])
        assert row[code] == ("USD", False)
        assert row[number] == (figures["table_no"] or "", not figures["table_no"])


def test_arrow_reads_its_stream_and_parquet_exactly(
    installation: Installation, sent: list[dict[str, str]], tmp_path: Path
) -> None:
    stream = pa.ipc.open_stream(fetched(installation, tmp_path, "arrow", "arrows").read_bytes()).read_all()
    file = parquet.read_table(fetched(installation, tmp_path, "parquet", "parquet"))
    assert stream.equals(file)
    rows = stream.to_pylist()
    assert [row["mid"] for row in rows] == [Decimal(row["mid"]) for row in sent]
    assert [row["effective_date"].isoformat() for row in rows] == [row["effective_date"] for row in sent]
    assert [row["table_no"] for row in rows] == [row["table_no"] for row in sent]
