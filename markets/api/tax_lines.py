"""Lines of questions as a table, as spreadsheets write it: `,`, `;` or tab, decimal commas, quotes, and a BOM.

pandas reads the cells. What can be wrong with one line (its separator, a quote, a formula) is found before, so that it
is told of that line and the others are answered.
"""

import io
import re
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from markets.api.tax_schemas import SURROGATE, TaxLine
from markets.errors import QuestionError
from markets.queries.tax.faults import TaxError

ADDRESS = "/api/v1/tax-rate"
TABLES = frozenset({"text/csv", "text/tab-separated-values"})
MAX_LINES = 500
# As wide as the sheets of Excel 97, whose rows end with empty cells; every line is read as wide as the widest.
MAX_CELLS = 256
SEPARATORS = {"\t": "a tab", ";": "';'", ",": "','"}
# Of the names of GET /tax-rate in Polish, and of the form `date;amount;currency`.
NAMES = {"data": "date", "kwota": "amount", "waluta": "code", "currency": "code", "reguła": "rule", "regula": "rule"}
SHORT = ["date", "amount", "code"]
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
BREAK = re.compile(r"\r\n|\r|\n")
# What a spreadsheet runs. A minus before digits is an amount.
FORMULA = re.compile(r"[=+@]|-(?![0-9])")
# 1500,50 and 1 500,50; spaces between thousands also as Excel writes them.
NUMBER = re.compile(r"-?(?:[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+|[0-9]+)(?:[.,][0-9]+)?")
SPACES = re.compile(r"[ \u00a0\u202f]")
KNOWN = frozenset(TaxLine.model_fields)
DECIMALS = ("amount", "actual_rate", "cross_rate")
Inputs = dict[str, Any]
Row = tuple[int, Inputs | QuestionError]


class TooManyLinesError(TaxError):
    """`detail`: lines, most."""

    code = "too_many_lines"


class UnreadableTableError(TaxError):
    """The header, or the whole text; nothing is answered."""

    code = "unreadable_table"


class UnreadableLineError(TaxError):
    """One line; the others are answered. `detail.line` counts from 1, the header included."""

    code = "unreadable_line"


class FormulaError(TaxError):
    """A cell that a spreadsheet would run: `detail` has its line and column."""

    code = "formula"


class LinesParser(Parser):
    """JSON; where lines are taken also a bare array, and a table whose lines are read later (`read`)."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.path_info != ADDRESS:
            return super().parse_body(request)
        if request.content_type in TABLES:
            return {"lines": BREAK.split(text_of(request.body))}
        found: Any = super().parse_body(request)
        return {"lines": found} if isinstance(found, list) else found


def text_of(body: bytes) -> str:
    """UTF-8, with or without its mark, or what Excel writes under Polish Windows."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1250")


def rows_of(lines: list[Any]) -> list[Row]:
    """Each line with its number, of JSON (objects) or of a table (text). Raises what is wrong with the whole."""
    is_table = bool(lines) and all(isinstance(line, str) for line in lines)
    rows = read(lines) if is_table else [(number, of_json(line)) for number, line in enumerate(lines, 1)]
    refuse_many(len(rows))
    if not rows:
        raise UnreadableTableError("There are no lines", {"field": "lines"})
    return rows


def refuse_many(count: int) -> None:
    if count > MAX_LINES:
        message = f"There are {count} lines; {MAX_LINES} are taken at once"
        raise TooManyLinesError(message, {"lines": count, "most": MAX_LINES})


def of_json(line: Any) -> Inputs | QuestionError:
    return line if isinstance(line, dict) else UnreadableLineError("The line is not a JSON object")


def read(lines: list[str]) -> list[Row]:
    """Of all lines that are not empty. A line that cannot be read has its refusal in the place of its inputs."""
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip(" \t;,")]
    if not numbered:
        return []
    refuse_many(len(numbered) - 1)  # before any cell is read; the first line may be a header
    separator = next((one for one in SEPARATORS if one in numbered[0][1]), ",")
    faults = {number: fault for number, line in numbered if (fault := fault_of(number, line, separator))}
    if first_fault := faults.get(numbered[0][0]):
        raise first_fault
    table = cells([line for number, line in numbered if number not in faults], separator)
    columns = columns_of(table[0])
    read_cells = iter(table)
    rows = [(number, faults.get(number) or inputs(number, next(read_cells), columns)) for number, _ in numbered]
    return rows[0 if DAY.fullmatch(table[0][0].strip()) else 1 :]


def fault_of(number: int, line: str, separator: str) -> QuestionError | None:
    """What makes a line no row of this table."""
    others = [one for one in SEPARATORS if one != separator and one in line]
    if separator not in line and others:
        message = f"Line {number} is separated by {SEPARATORS[others[0]]}, and the first one by {SEPARATORS[separator]}"
        return UnreadableLineError(message, {"line": number, "separator": separator})
    what = unreadable(line, separator)
    return UnreadableLineError(f"Line {number} {what}", {"line": number}) if what else None


def unreadable(line: str, separator: str) -> str:
    """A line of JSON may hold what one of a file cannot: a break, half of a character."""
    cell = rf'(?:"(?:[^"]|"")*"|[^"{separator}]*)'
    if "\0" in line:
        return "has a NUL character"
    if SURROGATE.search(line):
        return "is no text: half of a character stands alone"
    if BREAK.search(line):
        return "has a line break in it"
    if line.count(separator) >= MAX_CELLS:
        return f"has more than {MAX_CELLS} cells"
    if not re.fullmatch(f"{cell}(?:{separator}{cell})*", line):
        return "has a quote that does not belong to a whole cell"
    return ""


def cells(lines: list[str], separator: str) -> list[list[str]]:
    """The cells of each line, as text; lines that are shorter than others end with empty ones."""
    import pandas as pd  # 45 MB and 0.3 s that a web process has no other use for

    width = max(line.count(separator) for line in lines) + 1
    text = io.StringIO("\n".join(lines))
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "na_filter": False, "skip_blank_lines": False}
    frame = pd.read_csv(text, sep=separator, header=None, names=range(width), index_col=False, **options)
    return [["" if cell is None else str(cell) for cell in row] for row in frame.fillna("").to_numpy().tolist()]


def columns_of(first: list[str]) -> list[str]:
    """The inputs that the columns mean, from the header; date, amount and code where the first line has figures."""
    if DAY.fullmatch(first[0].strip()):
        return SHORT
    found = [NAMES.get(name, name) for name in (cell.strip().lower() for cell in first)]
    while found and not found[-1]:
        found.pop()
    if unknown := [name for name in found if name not in KNOWN]:
        message = f"The header names columns that there are not: {', '.join(map(repr, unknown))}"
        raise UnreadableTableError(message, {"line": 1, "columns": [name[:100] for name in unknown]})
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise UnreadableTableError(f"The header names a column twice: {', '.join(twice)}", {"columns": twice})
    return found


def inputs(number: int, row: list[str], columns: list[str]) -> Inputs | QuestionError:
    """The cells by their column; an empty one is not given."""
    if any(row[len(columns) :]):
        message = f"Line {number} has more cells than the header has columns"
        return UnreadableLineError(message, {"line": number, "columns": len(columns)})
    found = {}
    for name, cell in zip(columns, row, strict=False):
        value = cell.strip()
        if FORMULA.match(value):
            return FormulaError(f"Line {number}, {name}: a formula is not taken", {"line": number, "column": name})
        if value:
            found[name] = plain(value) if name in DECIMALS else value
    return found


def plain(value: str) -> str:
    """1 500,50 as 1500.50; what is no number stays as it is, to be refused."""
    return SPACES.sub("", value).replace(",", ".") if NUMBER.fullmatch(value) else value
