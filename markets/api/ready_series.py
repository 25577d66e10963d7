"""All published days of one currency as `/rates` sends them: a period of it is a part of these bytes."""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Self

import msgspec

from markets.api.responses import page
from markets.licence import Audience
from markets.queries import rate_texts
from markets.queries import rates as rate_queries

# Days of eighty years; a longer series is read from the tables.
MOST_DAYS = 20_000
# What stands around the rows: `{"items":[` and `],"count":`.
HEAD, MIDDLE, END = msgspec.json.encode(page([], 0)).replace(b"[]", b"[\0]").replace(b"0}", b"\0}").split(b"\0")


@dataclass(frozen=True, slots=True)
class ReadySeries:
    """`days` are ordinals, ascending; at `places[n]` the row of the n-th begins in `rows`, and at the last its end."""

    days: "array[int]"
    places: "array[int]"
    rows: bytes

    @classmethod
    def of(cls, code: str) -> Self | None:
        """One statement for the instrument, one for the rows; None for a series that is too long."""
        instrument = rate_queries.find_currency(code)
        whole = rate_texts.Stretch(instrument, date.min, date.max, None, Audience.API)
        rows = rate_texts.rows(whole, MOST_DAYS, 0)
        if len(rows) == MOST_DAYS:
            return None
        encode = msgspec.json.Encoder().encode
        texts = [encode(row) + b"," for row in rows]
        days = array("i", [date.fromisoformat(row["effective_date"]).toordinal() for row in rows])
        return cls(days, array("i", [0, *accumulate(map(len, texts))]), b"".join(texts))

    @property
    def size(self) -> int:
        return len(self.rows) + 4 * (len(self.days) + len(self.places))

    def body(self, start: date, end: date, limit: int) -> bytes | None:
        """The answer to this period; None where it has a next page."""
        first = bisect_left(self.days, start.toordinal())
        last = bisect_right(self.days, end.toordinal(), lo=first)
        if last - first > limit:
            return None
        rows = self.rows[self.places[first] : max(self.places[first], self.places[last] - 1)]
        return b"%b%b%b%d%b" % (HEAD, rows, MIDDLE, last - first, END)
