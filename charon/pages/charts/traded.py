"""The candles of an instrument at a source, as a chart draws them."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import nan

from charon.pages.charts import interruptions
from charon.pages.charts.question import Question
from charon.pages.charts.series import MOST_SHAPES, Series, spread, thin, time_of
from markets import timeframes
from markets.queries import drawn
from markets.queries.drawn import Columns, Offer
from markets.queries.history import MOST_POINTS
from signals import drawn as signals
from signals.tables import MOST_ABSENT

# How many candles are seen first, and how many beside them can be moved into view at once.
SEEN, LOADED = 150, 500
# What the rules need before their first decision (the ribbon 400): their values are those of the engine by then.
LEAD = 400


def read(question: Question, with_lines: bool = True) -> Series:
    """Sources, candles and their gaps; with lines the shapes and the other series as well: at most five queries."""
    offers = drawn.sources(question.code, question.timeframe)
    source = chosen(offers, question.source)
    step = timedelta(seconds=timeframes.SECONDS[question.timeframe])
    end, count = stretch(question, step)
    lead = LEAD if with_lines and question.shown else 0
    columns = Columns()
    if source:
        columns = drawn.candles(question.code, source.key, question.timeframe, end, count + lead)
    low = max(0, len(columns) - count)
    series = Series(question, columns, low, len(columns), seen(question, columns, low), "", 2, source=source)
    series.scale = decimals(columns)
    series.offered = signals.offered(question.timeframe, official=False, volume=any(columns.volumes[low:]))
    if source and series.drawn:
        breaks = interruptions.of_candles(question.code, columns, question.timeframe, source.key)
        series.breaks = [one for one in breaks if low < one.at]
        if with_lines:
            fill(series, step, of_rules=source == offers[0])
        thin(series)
    return series


def chosen(offers: Sequence[Offer], wanted: str) -> Offer | None:
    """The asked source, or the most urgent one."""
    public = [one for one in offers if one.public]
    return next((one for one in public if one.code == wanted), public[0] if public else None)


def stretch(question: Question, step: timedelta) -> tuple[datetime | None, int]:
    """Until when and how many: with an asked stretch as many more on both of its sides, a thousand at most."""
    if question.first is None and question.last is None:
        return None, LOADED
    if question.first is None or question.last is None:
        return question.last, MOST_POINTS if question.first else LOADED
    count = (question.last - question.first) // step + 1
    return question.last + count * step, min(MOST_POINTS, 3 * count)


def seen(question: Question, columns: Columns, low: int) -> tuple[int, int]:
    first = columns.place(f"{question.first:%Y-%m-%dT%H:%MZ}") if question.first else len(columns) - SEEN
    last = columns.place(f"{question.last:%Y-%m-%dT%H:%MZ}~") if question.last else len(columns)
    return max(low, min(first, last)), last


def decimals(columns: Columns) -> int:
    """What is usual for the instrument, and more where its prices have more: 0.00001234 is no zero."""
    if not len(columns):
        return 2
    usual, newest = columns.scales[-1], columns.closes[-1]
    return usual if newest >= 1 else max(usual, len(f"{newest:.10f}".rstrip("0").partition(".")[2]))


def fill(series: Series, step: timedelta, of_rules: bool) -> None:
    """The indicators, the compared series, and the shapes where the rules decide on this source."""
    question, columns = series.question, series.columns
    first, last = series.time(series.low), series.time(series.high - 1)
    if of_rules:
        series.turns = signals.turns(question.code, question.rule, question.timeframe, first, last, MOST_SHAPES + 1)
    rows = [row for row, whole in enumerate(columns.whole) if whole]
    bars = [bar_of(columns, row) for row in rows]
    starts = restarts(columns, rows, step)
    series.values = {
        name: spread(len(columns), rows, signals.values(signals.indicator(name), bars, starts))
        for name in question.shown
        if name in series.offered
    }
    if question.compared and series.source:
        series.other = drawn.candles(
            question.compared, series.source.key, question.timeframe, last, series.high - series.low
        )


def bar_of(columns: Columns, row: int) -> signals.Bar:
    volume = columns.volumes[row]
    opened = time_of(columns.times[row]).timestamp()
    prices = columns.closes[row], columns.opens[row], columns.highs[row], columns.lows[row]
    return (*prices, nan if volume is None else volume, opened)


def restarts(columns: Columns, rows: Sequence[int], step: timedelta) -> set[int]:
    """As in `signals.series`: behind so many absent candles the rules begin anew."""
    longest = (MOST_ABSENT + 1) * step
    times = [time_of(text) for text in columns.times]
    away = [row for row in range(1, len(times)) if times[row] - times[row - 1] > longest]
    return {bisect_left(rows, row) for row in away}
