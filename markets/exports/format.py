"""What a format gets and gives: the columns of a list, its rows chunk by chunk, and bytes in return."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

Row = dict[str, Any]
Chunks = Iterator[list[Row]]


class Kind(Enum):
    """What the cells of a column are; a figure is a string of digits, a real number is a duration or a float."""

    TEXT = "text"
    FIGURE = "figure"
    COUNT = "count"
    REAL = "real"
    DAY = "day"
    MOMENT = "moment"
    TRUTH = "truth"


NUMBERS = frozenset({Kind.FIGURE, Kind.COUNT, Kind.REAL})


class Column(NamedTuple):
    """`usual`: it is there also where nothing was found."""

    name: str
    kind: Kind = Kind.TEXT
    usual: bool = True


class Dialect(NamedTuple):
    """How lines of cells are written."""

    sep: str = ","
    dec: str = "."
    bom: bool = False
    end: str = "\n"


Write = Callable[[Sequence[Column], Chunks, Dialect], Iterator[bytes]]


def takes_every_list(columns: Sequence[Column]) -> None:
    """Most formats write whatever there is."""


@dataclass(frozen=True, slots=True)
class Format:
    """`check` raises QuestionError where a list cannot be written so, before anything is read.

    Only a format with a dialect of its own heeds another separator, decimal mark or byte order mark.
    """

    name: str
    suffix: str
    media_type: str
    write: Write
    dialect: Dialect | None = None
    check: Callable[[Sequence[Column]], None] = takes_every_list


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that are read when they are asked for, each time anew: the first ones, or with None all of them.

    The first ones are a query of their own. PostgreSQL puts the whole result of a cursor aside before its first row.
    """

    read: Callable[[int | None], Iterable[Row]]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.read(None))
