"""All published days of one currency as `/rates` sends them: a period of it is a part of these bytes."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from operator import itemgetter
from typing import Self

import msgspec

from markets.api.responses import page
from markets.licence import Audience
from markets.queries import rate_texts
from markets.queries import rates as rate_queries
from markets.queries.crosses import ZLOTY
from markets.queries.rate_rows import Row

# Days of eighty years; a longer series is read from the tables.
MOST_DAYS = 20_000
# What stands around the rows: `{"items":[` and `],"count":`.
HEAD, MIDDLE, END = msgspec.json.encode(page([], 0)).replace(b"[]", b"[\0]").replace(b"0}", b"\0}").split(b"\0")
# What is another one in almost every row; the text between them is one of a few.
FIGURES = ("effective_date", "mid", "bid", "ask", "table_no")
HOLE = "\N{REPLACEMENT CHARACTER}"
# JSON has no byte below a space: each of these stands for a text between figures.
MARKS = [bytes([number]) for number in range(1, 32)]
encode = msgspec.json.Encoder().encode


@dataclass
class Texts:
    """Rows whose texts between the figures are one byte each: a fifth of their size, and quickly written out again."""

    shapes: dict[tuple[object, ...], list[bytes]] = field(default_factory=dict)
    marks: dict[bytes, bytes] = field(default_factory=dict)

    def of(self, rows: list[Row]) -> Iterator[bytes]:
        figures_of = itemgetter(*FIGURES)
        rest_of = itemgetter(*(name for name in rows[0] if name not in FIGURES)) if rows else figures_of
        for row in rows:
            figures = figures_of(row)
            told = [encode(one)[1:-1] for one in figures if one is not None]
            shape = (rest_of(row), *[one is None for one in figures])
            first, *texts = self.shapes.get(shape) or self.shape_of(row, shape)
            yield first + b"".join([piece for pair in zip(told, texts, strict=True) for piece in pair])

    def shape_of(self, row: Row, shape: tuple[object, ...]) -> list[bytes]:
        with_holes = {name: HOLE if name in FIGURES and value is not None else value for name, value in row.items()}
        texts = (encode(with_holes) + b",").split(HOLE.encode())
        self.shapes[shape] = found = [self.mark_of(text) for text in texts]
        return found

    def mark_of(self, text: bytes) -> bytes:
        """The text itself once there are no more marks."""
        if text not in self.marks and len(self.marks) < len(MARKS):
            self.marks[text] = MARKS[len(self.marks)]
        return self.marks.get(text, text)


@dataclass(frozen=True, slots=True)
class ReadySeries:
    """`days` are ordinals, ascending; at `places[n]` the row of the n-th begins in `rows`, and at the last its end."""

    days: "array[int]"
    places: "array[int]"
    rows: bytes
    marks: dict[bytes, bytes]

    @classmethod
    def of(cls, code: str) -> Self | None:
        """One statement for the instrument, one for the rows; None for what is no series, or one too long."""
        if code.upper() == ZLOTY:
            return None
        instrument = rate_queries.find_currency(code)
        whole = rate_texts.Stretch(instrument, date.min, date.max, None, Audience.API)
        rows = rate_texts.rows(whole, MOST_DAYS, 0)
        if len(rows) == MOST_DAYS:
            return None
        texts = Texts()
        pieces = list(texts.of(rows))
        days = array("i", [date.fromisoformat(row["effective_date"]).toordinal() for row in rows])
        return cls(days, array("i", [0, *accumulate(map(len, pieces))]), b"".join(pieces), texts.marks)

    @property
    def size(self) -> int:
        return len(self.rows) + 4 * (len(self.days) + len(self.places))

    def body(self, start: date, end: date, limit: int) -> tuple[bytes, int]:
        """The answer to this period, and of how many days its first page is."""
        first = bisect_left(self.days, start.toordinal())
        last = bisect_right(self.days, end.toordinal(), lo=first)
        rows = self.rows[self.places[first] : self.places[min(last, first + limit)]]
        for text, mark in self.marks.items():
            rows = rows.replace(mark, text)
        return b"%b%b%b%d%b" % (HEAD, rows.removesuffix(b","), MIDDLE, last - first, END), last - first
