"""The columns of the scanner and their order: chosen in the address, so that it works without scripts."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets.views import Row

# The order of the list itself: what most people look for, then by code.
DEFAULT = ""


class Line(NamedTuple):
    """A row of the page with what each column is sorted by; None stands last in both directions."""

    shown: Row
    keys: dict[str, float | str | None]


class Column(NamedTuple):
    """`name` as the address has it; `rises`: whether a first click brings the smallest value on top."""

    name: str
    title: object
    note: object = ""
    rises: bool = False
    number: bool = False


COLUMNS = (
    Column("para", gettext_lazy("Para"), rises=True),
    Column("cena", gettext_lazy("Cena"), number=True),
    Column("zmiana", gettext_lazy("24 h"), number=True),
    Column("rsi", "RSI", number=True),
    Column("vwap", "VWAP", gettext_lazy("strona ceny")),
    Column("wstegi", gettext_lazy("Wstęgi"), gettext_lazy("dolna 0%, górna 100%")),
    Column("squeeze", gettext_lazy("Squeeze"), gettext_lazy("kiedy minęło ściśnięcie")),
    Column("ocena", gettext_lazy("Ocena"), gettext_lazy("od −1 do +1")),
)
NAMES = {column.name for column in COLUMNS}


def chosen(text: str) -> tuple[str, bool]:
    """The column, and whether its largest value stands on top; what is no column is the default."""
    name = text.removeprefix("-")
    return (name, text.startswith("-")) if name in NAMES else (DEFAULT, False)


def ordered(lines: Sequence[Line], name: str, falling: bool) -> list[Row]:
    if name == DEFAULT:
        return [line.shown for line in lines]
    known = [line for line in lines if line.keys.get(name) is not None]
    unknown = [line for line in lines if line.keys.get(name) is None]
    known.sort(key=lambda line: line.keys[name], reverse=falling)  # type: ignore[arg-type,return-value]
    return [line.shown for line in (*known, *unknown)]


def heads(name: str, falling: bool, address: Callable[[str], str]) -> list[Row]:
    """The heads of the table; the link of the chosen one turns its order."""
    rows: list[Row] = []
    for column in COLUMNS:
        is_chosen = column.name == name
        next_falling = not falling if is_chosen else not column.rises
        state = ("descending" if falling else "ascending") if is_chosen else "none"
        title = str(column.title)
        rows.append(
            {
                "name": column.name,
                "title": title,
                "note": str(column.note),
                "number": column.number,
                "state": state,
                "arrow": {"descending": "↓", "ascending": "↑", "none": "↕"}[state],
                "href": address(f"-{column.name}" if next_falling else column.name),
                "label": (_("%s: sortuj malejąco") if next_falling else _("%s: sortuj rosnąco")) % title,
            }
        )
    return rows


def query(path: str, **values: str) -> str:
    """An address without what is the default anyway."""
    kept = {name: value for name, value in values.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path
