"""The official days of a currency or of gold, as a chart draws them."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import nan
from typing import NamedTuple

from django.utils.translation import gettext as _

from charon.pages.charts import interruptions
from charon.pages.charts.question import Question
from charon.pages.charts.series import MOST_SHAPES, Series, day_of, spread, thin
from markets.instruments import redenominations
from markets.instruments.names import GOLD
from markets.queries import drawn, history
from markets.queries.drawn import Columns
from signals import drawn as signals
from signals.history import LEAD_DAYS
from signals.models import DAILY

# The tables whose days the daily rules are computed from.
OF_RULES = {"A", "gold"}
SCALE = 4
# Over more years the bid and ask lie within a line's width of the mid, and reading them costs as much as the mids.
BAND = timedelta(days=3700)


class Known(NamedTuple):
    """What a page has read already: the newest day with a mid, and all mids from some day on up to it."""

    newest: date
    columns: Columns


def read(question: Question, with_lines: bool = True, known: Known | None = None) -> Series:
    """The newest day, the days, the pauses if there are any; with lines the shapes and the other series as well: at
    most five queries. With what is `known`, from `first_day` on, the pauses alone.
    """
    newest = known.newest if known else drawn.newest_day(question.code)
    since, until = stretch(question, newest)
    first, last = around(question, since, until)
    lead = timedelta(days=LEAD_DAYS) if with_lines and question.shown else timedelta()
    band = with_lines and until - since <= BAND
    if known:
        columns = known.columns
    else:
        columns = drawn.official(question.code, earlier(first, lead), last, band) if newest else Columns()
    low, high = columns.place(first.isoformat()), columns.place(later(last, timedelta(days=1)).isoformat())
    series = Series(question, columns, low, high, seen(columns, low, since, until), "", SCALE)
    series.unit = _("zł/g") if question.code == GOLD else _("zł")
    series.scale = columns.scales[-1] if len(columns) else SCALE
    series.breaks = interruptions.official(question.code, columns, low, high)
    series.comparable = unit_start(question.code, columns)
    # The daily rules do not apply to the weeks of table B.
    series.offered = signals.offered(DAILY, official=True) if OF_RULES & set(columns.tables) else []
    if with_lines and series.drawn:
        fill(series)
    if series.drawn:
        thin(series)
    return series


def first_day(question: Question, newest: date) -> date:
    """From which day on a chart needs figures: those of the stretch in view, and of a zoomed one what lies beside."""
    return around(question, *stretch(question, newest))[0]


def around(question: Question, since: date, until: date) -> tuple[date, date]:
    margin = until - since if question.first or question.last else timedelta()
    return earlier(since, margin), later(until, margin)


def stretch(question: Question, newest: date | None) -> tuple[date, date]:
    """The asked days, or the months of the range up to the newest; any days where there are none."""
    if newest is None:
        return date.min, date.min
    until = min(question.last.date(), newest) if question.last else newest
    months = history.RANGES[question.period]
    since = question.first.date() if question.first else history.first_day(until, months)
    return since, max(since, until)


def seen(columns: Columns, low: int, since: date, until: date) -> tuple[int, int]:
    """The rows that are seen first: the others lie beside them, to be moved into view."""
    first, last = columns.place(since.isoformat()), columns.place((later(until, timedelta(days=1))).isoformat())
    return max(low, first), last


def earlier(day: date, by: timedelta) -> date:
    return day - by if day - date.min > by else date.min


def later(day: date, by: timedelta) -> date:
    return day + by if date.max - day > by else date.max


def unit_start(code: str, columns: Columns) -> int:
    """The first row of the newest unit: only from there on a lowest and a highest can be named."""
    if not len(columns):
        return 0
    start = redenominations.newest_break(code, day_of(columns.times[-1]))
    return columns.place(start.isoformat()) if start > date.min else 0


def fill(series: Series) -> None:
    """The shapes, the indicators and the compared series."""
    question, columns = series.question, series.columns
    first, last = columns.times[series.low], columns.times[-1]
    span = datetime.fromisoformat(f"{first}T00:00Z"), datetime.combine(day_of(last), time.max, UTC)
    series.turns = signals.turns(question.code, question.rule, DAILY, *span, MOST_SHAPES + 1)
    rows = [row for row, table in enumerate(columns.tables) if table in OF_RULES]
    bars = [(columns.closes[row], nan, nan, nan, nan, nan) for row in rows]
    starts = restarts(question.code, columns, rows)
    series.values = {
        name: spread(len(columns), rows, signals.values(signals.indicator(name), bars, starts))
        for name in question.shown
        if name in series.offered
    }
    if question.compared:
        series.other = drawn.official(question.compared, day_of(first), day_of(last), band=False)


def restarts(code: str, columns: Columns, rows: Sequence[int]) -> set[int]:
    """At which bars the rules begin anew: after a long pause and with another unit."""
    days = [columns.ordinals[row] for row in rows]
    longest = history.LONGEST_GAP.days
    found = {number for number in range(1, len(days)) if days[number] - days[number - 1] > longest}
    return found | {bisect_left(days, one.day.toordinal()) for one in redenominations.breaks(code)}
