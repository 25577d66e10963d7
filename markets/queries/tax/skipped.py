"""Why the days between the one that was asked for and the answer have no table, and whether the answer can change."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from markets.clock import WARSAW
from markets.instruments import redenominations
from markets.queries import calendars
from markets.queries.tax.reading import EVER, GapSpan, Reading, Row
from markets.queries.tax.rule import Relation
from markets.queries.tax.sequences import ARCHIVE_TABLE, DAY, REFERENCE, TABLE_B, WEEKLY_SINCE, PublishedTable, Want

WEEKEND, HOLIDAY, TARGET_HOLIDAY = "weekend", "holiday", "target_holiday"
NOT_A_TABLE_DAY, NO_PUBLICATION = "not_a_table_day", "no_publication"
NOT_YET, MISSING = "not_yet_published", "missing_here"
# How people call these days; the package of holidays has the words of the act.
SHORT_NAMES = {"Wigilia Bożego Narodzenia": "Wigilia", "Dzień Bożego Ciała": "Boże Ciało"}


@dataclass(frozen=True, slots=True)
class Skipped:
    date: dt.date
    reason: str
    name: str = ""
    # Missing here, and an operator has accepted that it is.
    is_accepted: bool = False

    def as_json(self) -> dict[str, str]:
        row = {"date": self.date.isoformat(), "reason": self.reason}
        return row | {"name": self.name} if self.name else row


@dataclass(frozen=True, slots=True)
class Judged:
    """`is_stale`: another table should be the answer, and it is not here."""

    skipped: list[Skipped]
    is_stale: bool = False
    why_not_final: str | None = None
    is_ambiguous: bool = False
    warnings: list[str] = field(default_factory=list)


def judge(want: Want, table: PublishedTable, row: Row, reading: Reading, now: dt.datetime) -> Judged:
    """What is to say of this row as the answer at the moment `now`."""
    today = now.astimezone(WARSAW).date()
    skipped = [why(day, table, want, reading, now) for day in between(want, row.day, today)]
    reasons = {one.reason for one in skipped}
    is_missing = any(one.reason == MISSING and not one.is_accepted for one in skipped)
    is_by_day = table is not TABLE_B
    is_off_calendar = is_by_day and not calendars.is_working(row.day, table.timetable.calendar)
    # Of table B too: since it is weekly it left out one week of its own, 18 April 2007.
    is_quiet_day = NO_PUBLICATION in reasons
    warnings = {
        "archive_only": row.source != table.sources[0],
        "no_proof": row.source == table.sources[0] and row.publication is None,
        "table_on_a_holiday": is_off_calendar,
        "working_day_without_table": is_quiet_day,
        # The figure is for the unit of before: VES of 6 October 2021 for an event of the 13th.
        "unit_changed": redenominations.crosses(row.code, row.day, want.day),
    }
    return Judged(
        skipped,
        is_stale=is_missing or is_too_old(want, table, row.day, today),
        why_not_final=why_not_final(want, row, reasons, today) or archived(warnings),
        is_ambiguous=is_off_calendar or (is_by_day and is_quiet_day),
        warnings=[name for name, holds in warnings.items() if holds],
    )


def archived(warnings: dict[str, bool]) -> str | None:
    return next((name for name in ("archive_only", "no_proof") if warnings[name]), None)


def between(want: Want, found: dt.date | None, today: dt.date) -> Iterator[dt.date]:
    """The days that had no table, from the asked one on; what has not begun has none either, and is not listed."""
    if want.relation is Relation.FIRST:
        last = min(found - DAY if found else today, today)
        return (want.day + DAY * number for number in range((last - want.day).days + 1))
    last = min(want.day - DAY if want.relation is Relation.BEFORE else want.day, today)
    length = (last - found).days if found else 0
    return (last - DAY * number for number in range(length))


def why(day: dt.date, table: PublishedTable, want: Want, reading: Reading, now: dt.datetime) -> Skipped:
    calendar = table.timetable.calendar
    if day.weekday() >= 5:
        return Skipped(day, WEEKEND)
    if name := calendars.holiday(day, calendar):
        short = SHORT_NAMES.get(name, name.partition(" (")[0])
        return Skipped(day, TARGET_HOLIDAY if table is REFERENCE else HOLIDAY, short)
    if table is TABLE_B and (day < WEEKLY_SINCE or not table.timetable.publishes(day)):
        return Skipped(day, NOT_A_TABLE_DAY)
    if gaps := gaps_on(day, table, reading):
        return Skipped(day, MISSING, is_accepted=all(gap.is_accepted for gap in gaps))
    if day < (reading.newest(table, EVER, want.known) or dt.date.min):
        return Skipped(day, NO_PUBLICATION)
    return Skipped(day, MISSING if table.timetable.deadlines(day)[1] <= now else NOT_YET)


def gaps_on(day: dt.date, table: PublishedTable, reading: Reading) -> list[GapSpan]:
    """The gaps of the official table on this day, unless the archive stands in for it."""
    on_day = [gap for gap in reading.gaps if gap.first <= day <= gap.last]
    official = [gap for gap in on_day if gap.source == table.sources[0] and gap.table == table.name]
    is_archived = day <= reading.archived_until(table) and all(gap.table != ARCHIVE_TABLE for gap in on_day)
    return [] if is_archived else official


def is_too_old(want: Want, table: PublishedTable, found: dt.date, today: dt.date) -> bool:
    """An answer farther away than any pause there ever was: something is missing that no gap tells of."""
    if want.relation is Relation.FIRST:
        return found > want.day and table.oldest(found) > want.day
    return found < table.oldest(min(want.day, today + DAY))


def why_not_final(want: Want, row: Row, reasons: set[str], today: dt.date) -> str | None:
    if today < want.day and want.relation is not Relation.FIRST:
        return "date_ahead"
    if NOT_YET in reasons:
        return NOT_YET
    if MISSING in reasons:
        return MISSING
    # A table of a holiday may still come that day, as on 2018-11-12; none ever came on a weekend.
    is_open = want.relation is Relation.UP_TO and row.day < want.day == today and today.weekday() < 5
    return "day_not_over" if is_open else None
