"""A series made ready to be drawn: data for the browser, and a line for those without scripts."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from charon.pages.badge import word
from markets import formats
from markets.instruments.redenominations import Break
from markets.queries import history
from markets.queries.history import Point
from signals.digits import small
from signals.history import Decision
from signals.rules.rule import Values

# More shapes than this cover the line and each other.
MOST_SHAPES = 150
WIDTH, HEIGHT = 640, 200
# What the lines of MACD are called in the data for the browser; another rule has none of them.
AVERAGES = {
    "fast": "ema_fast",
    "slow": "ema_slow",
    "macd": "macd",
    "signal_line": "signal_line",
    "histogram": "histogram",
}


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """The points of a range, already thinned (every `step`-th of `whole`), and what belongs to them.

    `breaks`: where another unit begins inside the range.
    """

    points: list[Point]
    step: int
    whole: list[Point]
    bars: Mapping[date, Values]
    gaps: list[tuple[date, date]]
    turns: list[Decision]
    scale: int
    breaks: Sequence[Break] = ()

    @property
    def comparable(self) -> list[Point]:
        """The points of the newest unit: only they have a lowest, a highest, a first and a last in common."""
        return since_break(self.whole, self.breaks)

    @property
    def macd(self) -> bool:
        """Whether the rule has the lines that are drawn for MACD."""
        return any(AVERAGES["histogram"] in self.bars.get(point.day, {}) for point in self.points)

    @property
    def shapes(self) -> list[Decision]:
        """The newest turns, as many as can be told apart."""
        return self.turns[:MOST_SHAPES]


def cut(
    points: list[Point],
    since: date,
    bars: Mapping[date, Values],
    decisions: list[Decision],
    scale: int,
    breaks: Sequence[Break] = (),
) -> ChartSeries:
    """What lies in the range; the points before it only fed the averages."""
    inside = [point for point in points if point.day >= since]
    turns = [row for row in decisions if row.turns and row.day >= since]
    met = [row for row in breaks if inside and inside[0].day < row.day <= inside[-1].day]
    ends = history.ends(since_break(inside, met)) if inside else set()
    kept, step = history.thinned(inside, {row.day for row in turns[:MOST_SHAPES]} | ends)
    return ChartSeries(kept, step, inside, bars, history.gaps(inside), turns, scale, met)


def since_break(points: list[Point], breaks: Sequence[Break]) -> list[Point]:
    return [point for point in points if point.day >= breaks[-1].day] if breaks else points


def payload(series: ChartSeries, unit: str) -> dict[str, Any]:
    """One list a line, all of one length; an empty slot stands where figures are missing, so that lines break there."""
    slots = slotted(series)
    bars = [series.bars.get(point.day) if point else None for point in slots]
    lines = {
        name: [rounded(bar[value], series.scale) if bar and value in bar else None for bar in bars]
        for name, value in AVERAGES.items()
    }
    days = [point.day if point else None for point in slots]
    places = {day: number for number, day in enumerate(days) if day}
    return {
        "unit": unit,
        "days": [day.isoformat() if day else "" for day in days],
        "mid": [f"{point.mid:f}" if point else None for point in slots],
        "bid": [f"{point.bid:f}" if point and point.bid else None for point in slots],
        "ask": [f"{point.ask:f}" if point and point.ask else None for point in slots],
        **lines,
        "signals": [
            {
                "at": places[nearest_day(series, turn.day)],
                "day": formats.day(turn.day),
                "kind": turn.signal,
                "word": word(turn.signal),
                "histogram": histogram_text(turn.histogram, series.scale),
            }
            for turn in reversed(series.shapes)
        ],
    }


def histogram_text(value: float | Decimal | None, scale: int) -> str:
    """Only MACD has one."""
    return "–" if value is None else small(value, scale)


def slotted(series: ChartSeries) -> list[Point | None]:
    """The points with an empty slot where figures are missing or another unit begins."""
    slots: list[Point | None] = []
    waiting = sorted({day for _before, day in series.gaps} | {row.day for row in series.breaks})
    for point in series.points:
        if waiting and point.day >= waiting[0]:
            slots.append(None)
            waiting = [day for day in waiting if day > point.day]
        slots.append(point)
    return slots


def rounded(value: float, scale: int) -> float:
    """Four decimals more than were published: a thousandth of a pixel, and half the bytes."""
    return round(value, scale + 4)


def nearest_day(series: ChartSeries, day: date) -> date:
    """The day itself, or the next one that was kept when the series was thinned."""
    place = bisect_left(series.points, day, key=lambda point: point.day)
    return series.points[min(place, len(series.points) - 1)].day


def path(series: ChartSeries) -> str:
    """The mids as an SVG path in a box of WIDTH by HEIGHT, interrupted where an empty slot stands."""
    slots = slotted(series)
    values = [point.mid for point in slots if point]
    if len(values) < 2:
        return ""
    low, room = min(values), (max(values) - min(values)) or Decimal(1)
    step, pen, parts = Decimal(WIDTH) / (len(slots) - 1), "M", []
    for number, point in enumerate(slots):
        if point:
            parts.append(f"{pen}{step * number:.1f},{HEIGHT * (1 - (point.mid - low) / room):.1f}")
        pen = "L" if point else "M"
    return " ".join(parts)


def band(points: Sequence[Point]) -> bool:
    return any(point.bid for point in points)
