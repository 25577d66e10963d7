"""A series made ready to be drawn: data for the browser, a line for those without scripts, a table and a sentence."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from charon.pages.rows import word
from markets import formats
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
    """The points of a range, already thinned (every `step`-th of `whole`), and what belongs to them."""

    points: list[Point]
    step: int
    whole: list[Point]
    bars: Mapping[date, Values]
    gaps: list[tuple[date, date]]
    turns: list[Decision]
    scale: int

    @property
    def macd(self) -> bool:
        """Whether the rule has the lines that are drawn for MACD."""
        return any(AVERAGES["histogram"] in self.bars.get(point.day, {}) for point in self.points)

    @property
    def shapes(self) -> list[Decision]:
        """The newest turns, as many as can be told apart."""
        return self.turns[:MOST_SHAPES]


def cut(
    points: list[Point], since: date, bars: Mapping[date, Values], decisions: list[Decision], scale: int
) -> ChartSeries:
    """What lies in the range; the points before it only fed the averages."""
    inside = [point for point in points if point.day >= since]
    turns = [row for row in decisions if row.turns and row.day >= since]
    kept, step = history.thinned(inside, {row.day for row in turns[:MOST_SHAPES]})
    return ChartSeries(kept, step, inside, bars, history.gaps(inside), turns, scale)


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
    """The points with an empty slot after each gap's beginning."""
    slots: list[Point | None] = []
    waiting = [day for _before, day in series.gaps]
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


def summary(series: ChartSeries, name: str, unit: str) -> str:
    """The chart in a sentence, for those who do not see it."""
    points = series.whole
    if not points:
        return ""
    low, high = min(points, key=lambda point: point.mid), max(points, key=lambda point: point.mid)
    text = _(
        "%(name)s od %(first)s do %(last)s: na początku %(from)s, na końcu %(to)s, "
        "najniżej %(low)s (%(low_day)s), najwyżej %(high)s (%(high_day)s) %(unit)s."
    )
    facts = {"first": points[0].day, "last": points[-1].day, "low_day": low.day, "high_day": high.day}
    values = {"from": points[0].mid, "to": points[-1].mid, "low": low.mid, "high": high.mid}
    shown = {key: formats.day(day) for key, day in facts.items()}
    shown |= {key: formats.number(value) for key, value in values.items()}
    return text % (shown | {"name": name, "unit": unit})


def notes(series: ChartSeries) -> list[str]:
    """What a reader must know to read the drawing rightly."""
    told = [
        _("Przerwa w notowaniach od %(a)s do %(b)s: na wykresie linia jest tam przerwana.")
        % {"a": formats.day(a), "b": formats.day(b)}
        for a, b in series.gaps
    ]
    if series.step > 1:
        days = formats.plural(len(series.whole), _("notowanie,notowania,notowań"))
        told.append(
            _("W tym zakresie jest %(days)s; wykres pokazuje co %(step)s. z nich oraz dni sygnałów i skrajnych kursów.")
            % {"days": days, "step": series.step}
        )
    if len(series.turns) > MOST_SHAPES:
        count = formats.plural(len(series.turns), _("sygnału,sygnałów,sygnałów"))
        told.append(_("Na wykresie jest %(most)s najnowszych z %(count)s.") % {"most": MOST_SHAPES, "count": count})
    return told


def table(series: ChartSeries) -> list[list[str]]:
    """The drawn days, newest first: day, mid, bid, ask, histogram, signal."""
    words = {turn.day: word(turn.signal) for turn in series.turns}
    rows = []
    for point in reversed(series.points):
        bar = series.bars.get(point.day, {})
        figures = [formats.number(value) if value else "–" for value in (point.mid, point.bid, point.ask)]
        histogram = histogram_text(bar.get("histogram"), series.scale)
        rows.append([formats.day(point.day), *figures, histogram, words.get(point.day, "")])
    return rows


def path(series: ChartSeries) -> str:
    """The mids as an SVG path in a box of WIDTH by HEIGHT, interrupted where figures are missing."""
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
