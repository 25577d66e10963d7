"""Whose tables a question is about, when they come out, and how old the newest one may be."""

import datetime as dt
from dataclasses import dataclass

from markets.queries.calendars import POLAND, Timetable
from markets.queries.tax.rule import Relation, Sequence

DAY = dt.timedelta(days=1)
NBP, ARCHIVE, ECB = "nbp", "nbp_archive", "ecb"
A, B, EUROFXREF = "A", "B", "eurofxref"
# The gaps of an archive stand under the one table that it is mined by.
ARCHIVE_TABLE = "mid"
# Until then table B came every two weeks: pauses of 15 days.
WEEKLY_SINCE = dt.date(2004, 8, 1)
FORTNIGHT = 16


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table that is published again and again. `sources`: the official one first, then who stands in for it.

    `longest`: the newest one before a day is never older; the longest real pauses were 6 days of A (Christmas 2025),
    13 of B (2007) and 5 of the ECB.
    """

    name: str
    sources: tuple[str, ...]
    timetable: Timetable
    longest: int

    def oldest(self, day: dt.date) -> dt.date:
        """The oldest that the newest table before (or of) `day` may be."""
        is_fortnightly = self.name == B and day < WEEKLY_SINCE
        return dt.date.fromordinal(max(1, day.toordinal() - (FORTNIGHT if is_fortnightly else self.longest)))


# The hours of the miner: asked for until the second one (miner/providers).
NOON = dt.time(11, 45), dt.time(12, 45)
AFTERNOON = dt.time(16, 0), dt.time(17, 0)
TABLE_A = PublishedTable(A, (NBP, ARCHIVE), Timetable((0, 1, 2, 3, 4), POLAND, 7, *NOON), 7)
TABLE_B = PublishedTable(B, (NBP, ARCHIVE), Timetable((0, 1, 2), POLAND, 16, *NOON), 14)
REFERENCE = PublishedTable(EUROFXREF, (ECB,), Timetable((0, 1, 2, 3, 4), "ECB", 5, *AFTERNOON), 7)
TABLES = {
    Sequence.NBP: (TABLE_A, TABLE_B),
    Sequence.NBP_A: (TABLE_A,),
    Sequence.ECB: (REFERENCE,),
}


@dataclass(frozen=True, slots=True)
class Want:
    """A published rate that somebody wants: of which currency, from where, as it was known at `known` (None: now)."""

    code: str
    sequence: Sequence
    relation: Relation
    day: dt.date
    known: dt.datetime | None = None

    @property
    def bound(self) -> dt.date:
        """The newest table before this day, or for FIRST the oldest one of it or after."""
        is_before = self.relation is Relation.BEFORE or self.day == dt.date.max
        return self.day if is_before or self.relation is Relation.FIRST else self.day + DAY

    @property
    def codes(self) -> tuple[str, ...]:
        """The instruments to read: of the ECB a currency goes through the euro."""
        return ("EUR", f"EUR{self.code}") if self.sequence is Sequence.ECB and self.code != "EUR" else (self.code,)
