"""The days of an answer: each once, those that nobody asked for left out, a broken one refused alone."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from markets.messages import Message
from markets.records import Table
from miner.fetch.errors import Unreadable

# The day of a table that does not say it.
NO_DAY = date.min
DAY = timedelta(days=1)


def one_a_day(tables: Iterable[Table]) -> list[Table]:
    """The tables, ascending; equal copies of a day count once, different ones refuse that day.

    Raises Unreadable when there are tables and none of them is sound: then it is the answer that has changed.
    """
    days: dict[date, Table] = {}
    undated = []
    for table in tables:
        first = days.get(table.effective_date, table)
        if table.until is not None:
            undated.append(table)
        else:
            days[table.effective_date] = first if same(first, table) else broken(first, Message("twice_different"))
    found = sorted([*days.values(), *undated], key=lambda table: table.effective_date)
    if found and all(table.fault for table in found):
        raise Unreadable(Message("about", about=f"{found[0].table} {found[0].effective_date}", reason=found[0].fault))
    return found


def same(one: Table, other: Table) -> bool:
    """Whether they say the same: white space makes other bytes, and 1.10 is 1.1."""
    return replace(one, sha256="", url="") == replace(other, sha256="", url="")


def broken(table: Table, fault: str) -> Table:
    return replace(table, rates=[], fault=fault)


def placed(tables: Sequence[Table], start: date, end: date) -> list[Table]:
    """The same tables of a file in order, either way; one without a day may be of any day between its neighbours'.

    Where they leave it none between `start` and `end`, its `until` lies before its `effective_date`.
    """
    dated = [table.effective_date for table in tables if table.effective_date != NO_DAY]
    ascending = not dated or dated[0] <= dated[-1]
    before, after = (start - DAY, end + DAY) if ascending else (end + DAY, start - DAY)
    following = [after] * len(tables)
    for index in range(len(tables) - 1, 0, -1):
        day = tables[index].effective_date
        following[index - 1] = following[index] if day == NO_DAY else day
    found = []
    for table, after in zip(tables, following, strict=True):
        if table.effective_date == NO_DAY:
            first, last = max(start, min(before, after) + DAY), min(end, max(before, after) - DAY)
            first, last = (first, last) if first <= last else (end, end - DAY)
            found.append(replace(table, effective_date=first, until=last))
        else:
            before = table.effective_date
            found.append(table)
    return found


def inside(tables: Iterable[Table], start: date, end: date) -> list[Table]:
    """Those of the days from `start` to `end`, of a file that holds others as well."""
    return [table for table in tables if start <= table.effective_date <= (table.until or table.effective_date) <= end]
