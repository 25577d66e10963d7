"""The cells of a table as text: no cell is one that a spreadsheet runs."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from markets.exports.format import Column, Kind, Row

# What Excel, LibreOffice and Google Sheets take for the beginning of a formula, or skip before one (OWASP, CSV
# injection); the last four are the wide signs, which Excel reads like the plain ones.
FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
# Not every reader takes a lone one for a part of the cell, quoted or not.
RETURN = re.compile(r"\r\n?")
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def cells(column: Column, rows: Sequence[Row], dec: str = ".") -> list[str | None]:
    """The cells of one column; None is an empty one."""
    write = BY_KIND.get(column.kind, text)
    values = [None if (value := row.get(column.name)) is None else write(value) for row in rows]
    if column.kind in MARKED and dec != ".":
        return [value and value.replace(".", dec) for value in values]
    return values


def text(value: Any) -> str:
    """As JSON has it, so that no format says something else; what would be a formula begins with an apostrophe."""
    if not isinstance(value, str):
        value = as_json(value)
    value = RETURN.sub("\n", value)
    return f"'{value}" if FORMULA.match(value) and not NUMBER.fullmatch(value) else value


def as_json(value: Any) -> str:
    """A moment or a day without quotes, a list as JSON."""
    return value.isoformat() if type(value) is date else msgspec.json.encode(value).decode().strip('"')


def truth(value: Any) -> str:
    return "true" if value else "false"


def moment(value: Any) -> str:
    return as_json(value) if isinstance(value, datetime) else text(value)


def figure(value: Any) -> str:
    """Of digits alone. Anything else is text, and as harmless."""
    return found if NUMBER.fullmatch(found := str(value)) else text(value)


MARKED = frozenset({Kind.FIGURE, Kind.REAL})
BY_KIND: dict[Kind, Callable[[Any], str]] = {
    Kind.FIGURE: figure,
    Kind.COUNT: figure,
    Kind.REAL: str,
    Kind.MOMENT: moment,
    Kind.TRUTH: truth,
}
