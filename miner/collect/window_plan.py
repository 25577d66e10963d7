"""The planning of windows: the days that the tables lack, cut into the requests that bring them."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from math import ceil

from markets.models import Publication, Rate, Source
from markets.store import gaps
from miner.providers.base import TableSeries

Span = tuple[date, date]

DAY = timedelta(days=1)


def known_days(source: Source, series: TableSeries) -> list[date]:
    """The days that the tables hold of this series, ascending; an archive counts the official figures as well."""
    if source.fallback_for_id is None:
        days = Publication.objects.filter(source=source, table=series.table)
        return list(days.order_by("effective_date").values_list("effective_date", flat=True))
    rows = Rate.objects.filter(source__in=[source.pk, source.fallback_for_id], table="A")
    return list(rows.order_by("effective_date").values_list("effective_date", flat=True).distinct())


def holes(series: TableSeries, known: Sequence[date], today: date) -> list[Span]:
    """The spans without a publication that are longer than a natural pause, and the days since the newest one.

    The last of them begins a few days early: the same request reads again what may have been corrected or refused.
    """
    end = min(today, series.last or today)
    inside = [day for day in known if series.first <= day <= end]
    if not inside:
        return [(series.first, end)] if series.first <= end else []
    pause = timedelta(days=series.longest_pause)
    marks = [series.first - DAY, *inside]
    found = [(a + DAY, b - DAY) for a, b in pairwise(marks) if b - a > pause]
    newest = inside[-1]
    since = [newest + DAY * number for number in range(1, (end - newest).days + 1)]
    if any(day.weekday() in series.weekdays for day in since):
        found.append((max(series.first, newest - DAY * (series.reread - 1)), end))
    return found


def widened(span: Span, series: TableSeries, known: Sequence[date], today: date) -> Span | None:
    """The span that an operator asked for, inside the history, and up to its neighbours where those are near.

    A rest shorter than a natural pause would never be found as a hole again.
    """
    start, end = max(span[0], series.first), min(span[1], today, series.last or today)
    if start > end:
        return None
    pause = timedelta(days=series.longest_pause)
    before = max((day for day in known if day < start), default=None)
    after = min((day for day in known if day > end), default=None)
    if before is not None and start - before <= pause:
        start = before + DAY
    if after is not None and after - end <= pause:
        end = after - DAY
    return start, end


def cut(span: Span, window: int) -> list[Span]:
    """Even windows of at most `window` days: none so short that the rest after a kill could pass for a pause."""
    start, end = span
    days = (end - start).days + 1
    count = ceil(days / window)
    marks = [start + DAY * (days * number // count) for number in range(count)] + [end + DAY]
    return [(a, b - DAY) for a, b in pairwise(marks)]


def first_fill(series: TableSeries, known: Sequence[date], today: date) -> list[Span]:
    """What this release knows to have been published before and after the days that the tables hold."""
    end = min(today, series.last or today)
    inside = [day for day in known if series.first <= day <= end]
    if not inside:
        return [(series.first, end)] if series.first <= end else []
    spans = []
    if (inside[0] - series.first).days > series.longest_pause:
        spans.append((series.first, inside[0] - DAY))
    if inside[-1] < min(series.known_until, end):
        spans.append((inside[-1] + DAY, end))
    return spans


def windows_of(source: Source, series: TableSeries, span: Span | None, today: date) -> list[Span]:
    """The windows of a run: what an operator asked for, or all that lacks. A first fill becomes gaps of the source."""
    known = known_days(source, series)
    if span is None:
        begun = [gaps.of_days(series.table, *span) for span in first_fill(series, known, today)]
        if begun:
            gaps.begin_first_fill(source, begun)
        spans = holes(series, known, today)
    else:
        asked = widened(span, series, known, today)
        spans = [asked] if asked else []
    return [window for span in spans for window in cut(span, series.window)]
