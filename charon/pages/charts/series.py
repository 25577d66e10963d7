"""A series made ready to be drawn: which bars, which lines, where it is interrupted."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from charon.pages.charts.question import Question
from markets.queries.drawn import Columns, Offer
from markets.queries.history import MOST_POINTS
from signals.drawn import Turn

# More shapes than this cover the line and each other.
MOST_SHAPES = 150
LONG = 1500


@dataclass(frozen=True, slots=True)
class Break:
    """An interruption before row `at` of the columns. `kind`: `published` where the source published nothing,
    `unknown` where rows are known to be missing, `unit` where the code begins to mean another unit of money.
    """

    at: int
    kind: str
    text: str


@dataclass(slots=True)
class Series:
    """Rows `low` to `high` (exclusive) of the columns are drawn, of which `kept` ones; `view` is what is seen first.

    `values`: of each indicator a row for every row of the columns, or an empty one where the rule has no bar.
    """

    question: Question
    columns: Columns
    low: int
    high: int
    view: tuple[int, int]
    unit: str
    scale: int
    breaks: list[Break] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    values: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    other: Columns | None = None
    kept: list[int] = field(default_factory=list)
    step: int = 1
    comparable: int = 0
    offered: Sequence[str] = ()
    source: Offer | None = None

    @property
    def drawn(self) -> bool:
        return self.view[1] - self.view[0] > 1

    def time(self, row: int) -> datetime:
        return time_of(self.columns.times[row])


def time_of(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def day_of(text: str) -> date:
    return date.fromisoformat(text[:10])


def thin(series: Series, most: int = MOST_POINTS) -> None:
    """Keep every n-th row, counted from the newest, so that about `most` stay; with them the lowest, the highest and
    both ends of each interruption, because the page speaks of them. Days of shapes would stretch the years that have
    more of them: a shape stands at the next kept row.
    """
    count = series.high - series.low
    series.step = max(1, -(-count // most))
    if series.step == 1:
        series.kept = list(range(series.low, series.high))
        return
    wanted = set(range(series.high - 1, series.low - 1, -series.step)) | set(extremes(series))
    wanted |= {row for one in series.breaks for row in (one.at - 1, one.at)}
    series.kept = sorted(row for row in wanted if series.low <= row < series.high)


def extremes(series: Series) -> tuple[int, int]:
    """The rows of the lowest and of the highest close of the newest unit in view."""
    first, last = max(series.view[0], series.comparable), series.view[1]
    closes = series.columns.closes
    part = closes[first : max(last, first + 1)]
    return closes.index(min(part), first), closes.index(max(part), first)


def place(series: Series, turn: Turn) -> int:
    """The row of a decision's bar, or the next one where that has left the series."""
    text = f"{turn.as_of:%Y-%m-%dT%H:%MZ}" if series.question.candles else f"{turn.as_of:%Y-%m-%d}"
    return min(bisect_left(series.columns.times, text), len(series.columns) - 1)


def spread(length: int, rows: Sequence[int], computed: Sequence[Sequence[float]]) -> list[Sequence[float]]:
    """The values at the rows that are bars of the rules, and nothing at the others."""
    found: list[Sequence[float]] = [()] * length
    for row, values in zip(rows, computed, strict=True):
        found[row] = values
    return found


def is_long(series: Series) -> bool:
    """Whether a scale by ratios is offered: for candles, and for so many days that it says more than differences."""
    if not series.drawn:
        return False
    first, last = (day_of(series.columns.times[row]) for row in (series.view[0], series.view[1] - 1))
    return series.question.candles or (last - first).days >= LONG
