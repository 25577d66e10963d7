"""Rates by week and month: the last value of the period, marked with its day, and the lowest, highest and mean."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal

from markets.queries import asked, crosses, unpublished
from markets.queries.asked import Answer, Asked
from markets.queries.crosses import EXACT
from markets.queries.filled import Line

Group = Literal["week", "month"]


def week(day: date) -> tuple[str, date, date]:
    """Name, Monday and Sunday of the week as ISO 8601 counts them."""
    year, number, weekday = day.isocalendar()
    monday = day - timedelta(days=weekday - 1)
    return f"{year}-W{number:02}", monday, monday + timedelta(days=6)


def month(day: date) -> tuple[str, date, date]:
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return f"{day:%Y-%m}", first, following - timedelta(days=1)


PERIODS: dict[Group, Callable[[date], tuple[str, date, date]]] = {"week": week, "month": month}


def rows(question: Asked, start: date, end: date, group: Group, page: slice) -> Answer:
    """A row for each period and pair, in the order of the periods; and how many there are in all."""
    asked.no_more_than((end - start).days + 1, len(question.pairs))
    today, _ = unpublished.today_and_due()
    found = [
        (period, place, line, days)
        for place, line in enumerate(asked.lines(question, start, end))
        for period, days in periods(asked.days_of(line, start, min(end, today)), group)
    ]
    found.sort(key=lambda one: (one[0][1], one[1]))
    return (row(line, period, days, start, min(end, today)) for period, _, line, days in found[page]), len(found)


def periods(days: Any, group: Group) -> Iterator[tuple[tuple[str, date, date], list[date]]]:
    for period, inside in groupby(days, key=PERIODS[group]):
        yield period, list(inside)


def row(line: Line, period: tuple[str, date, date], days: Sequence[date], start: date, end: date) -> dict[str, Any]:
    """Figures of another unit of money, before a redenomination inside of the period, are left out."""
    name, first, last = period
    close = days[-1]
    same_unit = [day for day in days if not crosses.crosses_break(line.pair, day, close)]
    mids = [value for day in same_unit if (value := worth(line, day)) is not None]
    return {
        "code": line.pair.code,
        "base": line.pair.base,
        "quote": line.pair.quote,
        "period": name,
        "date": last,
        "effective_date": close,
        **line.fields(close),
        "min": written(min(mids), line),
        "max": written(max(mids), line),
        "avg": f"{crosses.rounded(mean(mids)):f}",
        "days": len(mids),
        "unit": 1,
        "partial": first < start or last > end,
    }


def worth(line: Line, day: date) -> Decimal | None:
    return crosses.worth(line.pair, [line.known[code].figures[day] for code in line.pair.legs])


def mean(values: Sequence[Decimal]) -> Decimal:
    return EXACT.divide(EXACT.create_decimal(sum(values)), Decimal(len(values)))


def written(value: Decimal, line: Line) -> str | None:
    return crosses.written(value, exact=not line.pair.below)
