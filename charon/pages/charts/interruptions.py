"""Where a line is interrupted and why: nothing was published, or rows are missing here."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from django.utils.translation import gettext as _

from charon.pages.charts.series import Break, day_of, time_of
from markets import formats, timeframes
from markets.instruments import redenominations
from markets.queries import drawn
from markets.queries.calendars import DAY
from markets.queries.drawn import Columns
from markets.queries.tables import TIMETABLES

PUBLISHED, UNKNOWN, UNIT = "published", "unknown", "unit"
# From a Friday to a Monday; 1 January of the year 1 was a Monday.
WEEKEND, WEEK, MONDAY = 3, 7, 1
# Of a table without a timetable, and of one that is not daily, a pause of so many days is one.
WEEKLY = TIMETABLES["B"].longest_pause
Holes = Sequence[tuple[datetime, datetime]]


def official(code: str, columns: Columns, low: int, high: int) -> list[Break]:
    """Of daily rates, ascending; one query where there is a pause at all."""
    pauses = list(paused(columns, low, high))
    found = units(code, columns, low, high)
    if pauses:
        span = time_of(columns.times[low]), time_of(columns.times[high - 1])
        tables = {*columns.tables[low:high], "mid"}
        holes = drawn.missing(code, tables, *span)
        found += [of_days(columns, row, holes) for row in pauses]
    return sorted(found, key=lambda one: one.at)


def paused(columns: Columns, low: int, high: int) -> Iterator[int]:
    """The rows with a day between them and the row before on which their table is published."""
    for row, (before, after) in enumerate(pairwise(columns.ordinals[low:high]), low + 1):
        away = after - before
        if away == 1 or (away == WEEKEND and after % WEEK == MONDAY):
            continue
        if columns.tables[row - 1] != "B":
            ends = date.fromordinal(before), date.fromordinal(after)
            away = WEEKLY + 1 if skipped(*ends, columns.tables[row - 1]) else 0
        if away > WEEKLY:
            yield row


@lru_cache(maxsize=20_000)
def skipped(before: date, after: date, table: str) -> tuple[date, ...]:
    """The days between the two on which the table is published."""
    timetable = TIMETABLES.get(table, TIMETABLES["A"])
    between = (before + DAY * number for number in range(1, (after - before).days))
    return tuple(day for day in between if timetable.publishes(day))


def of_days(columns: Columns, row: int, holes: Holes) -> Break:
    before, after = day_of(columns.times[row - 1]), day_of(columns.times[row])
    days = skipped(before, after, columns.tables[row - 1]) or (before + DAY, after - DAY)
    facts = {"first": formats.day(days[0]), "last": formats.day(days[-1])}
    if any(first.date() < after and last.date() > before for first, last in holes):
        one, many = _("Nie mamy jeszcze danych z %(first)s."), _("Nie mamy jeszcze danych od %(first)s do %(last)s.")
        return Break(row, UNKNOWN, (many if days[1:] else one) % facts)
    one, many = _("NBP nie ogłaszał kursów %(first)s."), _("NBP nie ogłaszał kursów od %(first)s do %(last)s.")
    return Break(row, PUBLISHED, (many if days[1:] else one) % facts)


def units(code: str, columns: Columns, low: int, high: int) -> list[Break]:
    """Redenominations inside the drawn days."""
    rows = ((columns.place(one.day.isoformat()), one) for one in redenominations.breaks(code))
    return [Break(row, UNIT, unit_text(one)) for row, one in rows if low < row < high]


def unit_text(row: redenominations.Break) -> str:
    facts = {"code": row.code, "day": formats.day(row.day), "factor": formats.number(row.factor) if row.factor else ""}
    if row.factor is None:
        text = _(
            "Od %(day)s kod %(code)s oznacza inną walutę, "
            "dlatego kursów sprzed tego dnia nie porównujemy z późniejszymi."
        )
    else:
        text = _(
            "Denominacja: od %(day)s 1 %(code)s to %(factor)s dawnych, "
            "dlatego kursów sprzed tego dnia nie porównujemy z późniejszymi."
        )
    return text % facts


def of_candles(code: str, columns: Columns, timeframe: str, source: int) -> list[Break]:
    """Of candles, ascending; one query where one is absent."""
    step = timedelta(seconds=timeframes.SECONDS[timeframe])
    rows = list(absent(columns, step))
    if not rows:
        return []
    span = time_of(columns.times[0]), time_of(columns.times[-1])
    holes = drawn.missing(code, {f"candle:{timeframe}"}, *span, source)
    return [of_bars(columns, row, step, holes) for row in rows]


def absent(columns: Columns, step: timedelta) -> Iterator[int]:
    times = [time_of(text) for text in columns.times]
    return (row for row in range(1, len(times)) if times[row] - times[row - 1] > step)


def of_bars(columns: Columns, row: int, step: timedelta, holes: Holes) -> Break:
    before, after = time_of(columns.times[row - 1]), time_of(columns.times[row])
    facts = {"first": formats.moment(before + step), "last": formats.moment(after)}
    if any(first < after and last > before for first, last in holes):
        return Break(row, UNKNOWN, _("Nie mamy jeszcze danych od %(first)s do %(last)s.") % facts)
    return Break(row, PUBLISHED, _("Źródło nie podało świec od %(first)s do %(last)s.") % facts)
