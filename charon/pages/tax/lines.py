"""A list of questions as it is pasted from a spreadsheet: a day, an amount and a currency a line; each read alone."""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from charon.pages.tax import asked
from charon.pages.tax.asked import FieldError, Form
from markets import formats
from markets.errors import QuestionError
from markets.queries.tax.rule import Question

MOST_LINES = 500
SEPARATORS = ("\t", ";", ",")
COLUMNS = ("data", "kwota", "waluta", "regula")
HEADER = {
    "data": "data", "date": "data", "dzień": "data", "kwota": "kwota", "amount": "kwota", "waluta": "waluta",
    "currency": "waluta", "code": "waluta", "kod": "waluta", "reguła": "regula", "regula": "regula", "rule": "regula",
}  # fmt: skip
BREAK = re.compile(r"\r\n|\r|\n")
ENDINGS = (".csv", ".tsv", ".txt")


class TextError(Exception):
    """The whole text: it is empty, has too many lines, or is no text."""


class Line(NamedTuple):
    """`number` counts the lines of the text from 1, a header included. `found` is a question, or why there is none."""

    number: int
    typed: str
    found: Question | QuestionError | FieldError
    form: Form


def text_of(body: bytes, name: str) -> str:
    """UTF-8, with or without its mark, or what Excel writes: UTF-16 as "Unicode text", else the code page of Polish
    Windows. Raises TextError, also for a name of another kind and for a NUL: a workbook may happen to be CP1250.
    """
    marked = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    is_text = name.lower().endswith(ENDINGS) and (marked or b"\0" not in body)
    encodings = ("utf-16",) if marked else ("utf-8-sig", "cp1250")
    for encoding in encodings if is_text else ():
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TextError(_("Ten plik nie jest tekstem: zapisz arkusz jako CSV."))


def read(text: str, rule: str, today: date) -> list[Line]:
    """Every line that is not empty. `rule` is that of the lines that name none. Raises TextError."""
    numbered = [(number, line) for number, line in enumerate(BREAK.split(text), 1) if line.strip(" \t;,")]
    if not numbered:
        raise TextError(_("Wklej co najmniej jeden wiersz, na przykład %s.") % "17.03.2025;1500,50;USD")
    columns = header(cells(numbered[0][1]))
    wanted = numbered[1:] if columns else numbered
    if len(wanted) > MOST_LINES:
        words = _("Wierszy jest %(count)s, a liczymy najwyżej %(most)s naraz: podziel listę.")
        raise TextError(words % {"count": formats.whole(len(wanted)), "most": MOST_LINES})
    return [line_of(number, line, columns or COLUMNS, rule, today) for number, line in wanted]


def cells(line: str) -> list[str]:
    """By the first separator that the line has. Between commas an amount may have its own: `1.2.2026,1,50,USD`."""
    separator = next((one for one in SEPARATORS if one in line), ";")
    try:
        found = next(csv.reader([line.replace("\0", "")], delimiter=separator), [])
    except csv.Error:
        return [line]
    found = [cell.strip() for cell in found]
    if separator == "," and len(found) == len(COLUMNS) and found[1].lstrip("-").isdigit() and found[2].isdigit():
        return [found[0], f"{found[1]},{found[2]}", found[3]]
    return found


def header(first: Sequence[str]) -> tuple[str, ...]:
    """The fields that the columns mean; empty where the first line is a question."""
    names = tuple(HEADER.get(cell.lower(), "") for cell in first)
    return names if "data" in names else ()


def line_of(number: int, line: str, columns: Sequence[str], rule: str, today: date) -> Line:
    found = cells(line)
    given = {name: cell for name, cell in zip(columns, found, strict=False) if name and cell}
    form = asked.form({"regula": rule, "waluta": "", "data": ""} | given, today)
    return Line(number, line.strip()[:80], read_one(form, found, columns, today), form)


def read_one(form: Form, found: Sequence[str], columns: Sequence[str], today: date) -> Any:
    if any(found[len(columns) :]):
        return FieldError("data", _("Za dużo kolumn: potrzebne są dzień, kwota i waluta."))
    try:
        return asked.question(form, today)
    except (FieldError, QuestionError) as error:
        return error


def questions(lines: Sequence[Line]) -> Iterator[Question]:
    return (line.found for line in lines if isinstance(line.found, Question))
