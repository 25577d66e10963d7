"""Every day of one month of an instrument, unthinned, with the numbers of its tables."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from markets.decimals import published
from markets.models import Instrument, Rate
from markets.queries.asked_once import DAYS, TEXTS, QuestionOf
from markets.queries.history import TABLES

COLUMNS = ("effective_date", "table", "mid", "bid", "ask", "scale", "publication__number", "source__fallback_for")


@dataclass(frozen=True, slots=True)
class TableOfDay:
    """A table that has a figure of the day. `number` is empty where the archive gives it: it knows no numbers."""

    letter: str
    number: str
    official: bool


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day's figures as published, in PLN for one unit, and the tables they stand in, the mid's first."""

    day: date
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    tables: tuple[TableOfDay, ...]


def bounds(year: int, month: int) -> tuple[date, date]:
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def extent(code: str) -> tuple[date, date] | None:
    """The first and the last day with a figure: two seeks in one query."""
    days = Rate.objects.filter(instrument=OuterRef("pk"), table__in=TABLES).publishable().values("effective_date")
    first, last = Subquery(days.order_by("effective_date")[:1]), Subquery(days.order_by("-effective_date")[:1])
    found = Instrument.objects.filter(code=code).annotate(first=first, last=last).values_list("first", "last").first()
    return (found[0], found[1]) if found and found[0] else None


def shown_days(code: str, first: date, last: date) -> "QuerySet[Rate, Any]":
    rows = Rate.objects.filter(instrument__code=code, table__in=TABLES).publishable()
    return rows.filter(effective_date__range=(first, last)).order_by("-effective_date", "table").values_list(*COLUMNS)


SHOWN = QuestionOf(shown_days, TEXTS[0], *DAYS)


def days(code: str, year: int, month: int) -> list[MonthDay]:
    """The days of that month with a figure, newest first; one query."""
    found = groupby(SHOWN.rows_of(code, *bounds(year, month)), key=lambda row: row[0])
    return [day_of(day, list(of_day)) for day, of_day in found]


def day_of(day: date, rows: list[tuple[Any, ...]]) -> MonthDay:
    """`rows` are those of one day, table A or B before C."""
    mid = next((published(row[2], row[5]) for row in rows if row[2] is not None), None)
    bid, ask = next(((published(row[3], row[5]), published(row[4], row[5])) for row in rows if row[3]), (None, None))
    tables = tuple(TableOfDay(row[1], row[6] or "", row[7] is None) for row in rows)
    return MonthDay(day, mid, bid, ask, tables)
