"""The planning of windows: the days that the tables lack, cut into the requests that bring them.

The newest days come first, then older holes, then what could not be had before and may be asked for again.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import ceil

from markets import clock
from markets.models import Gap, Publication, Rate, Source
from markets.queries import gaps as gap_queries
from markets.store import gaps
from miner.providers.base import TableSeries

Span = tuple[date, date]

DAY = timedelta(days=1)
# So many windows of gaps of one kind does a run ask for again: what never heals must not become most of the traffic.
MOST_AGAIN = 12
# Table B of an archive: fortnightly until 2004. Its first day differs from that of table A.
PAUSE_OF_B = timedelta(days=16)
REFUSED, FIRST_FILL = Gap.Reason.REFUSED, Gap.Reason.FIRST_FILL


def known_days(source: Source, series: TableSeries) -> list[date]:
    """The days that the tables hold of this series, ascending; an archive counts the official figures as well."""
    if source.fallback_for_id is not None:
        return archive_days(source)["A"]
    days = Publication.objects.filter(source=source, table=series.table)
    return list(days.order_by("effective_date").values_list("effective_date", flat=True))


def archive_days(source: Source) -> dict[str, list[date]]:
    """By letter, the days of which an archive or its official source has rates, ascending."""
    rows = Rate.objects.filter(source__in=[source.pk, source.fallback_for_id], table__in="AB").order_by()
    found: dict[str, list[date]] = {"A": [], "B": []}
    for table, day in rows.values_list("table", "effective_date").distinct():
        found[table].append(day)
    return {table: sorted(days) for table, days in found.items()}


def archive_holes(source: Source, series: TableSeries, today: date) -> list[Span]:
    """What an archive lacks of either table, since each request brings both; all of it when it never wrote a row.

    The official table A alone hides nothing of table B: 142,612 rates were missing where it did.
    """
    end = min(today, series.last or today)
    if not Rate.objects.filter(source=source).exists():
        return [(series.first, end)]
    days = archive_days(source)
    marks = [*(day for day in days["B"] if day <= end), end + DAY]
    of_b = [(a + DAY, b - DAY) for a, b in pairwise(marks) if b - a > PAUSE_OF_B]
    return [*holes(series, days["A"], today), *of_b]


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
    if can_appear(series, newest + DAY, end):
        found.append((max(series.first, newest - DAY * (series.reread - 1)), end))
    return found


def can_appear(series: TableSeries, start: date, end: date) -> bool:
    return any((start + DAY * number).weekday() in series.weekdays for number in range((end - start).days + 1))


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
    if inside[-1] < min(series.known_until, end) and can_appear(series, inside[-1] + DAY, end):
        spans.append((inside[-1] + DAY, end))
    return spans


def behind_the_newest(series: TableSeries, known: Sequence[date], lacking: list[Span]) -> list[Span]:
    """After weeks without a run the newest window comes first: until the days before it are here, nobody decides."""
    older = cut(lacking[-1], series.window)[:-1] if known and lacking else []
    return [(known[-1] + DAY, older[-1][1])] if older and known[-1] < older[-1][1] else []


def windows_of(
    source: Source, series: TableSeries, span: Span | None, today: date, all_before: datetime | None = None
) -> list[Span]:
    """The windows of a run: what an operator asked for, ascending, or all that lacks. A first fill becomes gaps.

    A run by hand asks for every gap that was not tried since it began (`all_before`), due or not.
    """
    if span is not None:
        asked = widened(span, series, known_days(source, series), today)
        return cut(asked, series.window) if asked else []
    if source.fallback_for_id is None:
        known = known_days(source, series)
        lacking = holes(series, known, today)
        begun = first_fill(series, known, today) or behind_the_newest(series, known, lacking)
    else:
        known, lacking = [], archive_holes(source, series, today)
        begun = lacking
    if begun:
        gaps.begin_first_fill(source, [gaps.of_days(series.table, *one) for one in begun])
    rows = [(days_of(row), row) for row in gap_queries.of_series(source, series.table)]
    end = min(today, series.last or today)
    inside = [((max(one[0], series.first), min(one[1], end)), row) for one, row in rows if one[0] <= end]
    return all_windows(series, known[-1] if known else None, lacking, inside, end, all_before)


def all_windows(
    series: TableSeries,
    newest: date | None,
    lacking: list[Span],
    rows: list[tuple[Span, Gap]],
    end: date,
    all_before: datetime | None = None,
) -> list[Span]:
    """What was never tried, from the newest window on; then the failed windows and the refused rates that are due."""
    begun = [one for one, row in rows if is_untried(row)]
    untried = union([*lacking, *begun])
    found: list[Span] = []
    for hole in reversed(untried):
        in_the_way = [one for one, row in rows if is_in_the_way(row, hole[1] == end)]
        for piece in reversed(without(hole, in_the_way)):
            waited_for = any(a <= piece[1] and piece[0] <= b for a, b in begun)
            if waited_for or is_worth_asking(piece, series, newest, end):
                found += cut(piece, series.window)
    found, now, most = newest_first(found), clock.now(), MOST_AGAIN if all_before is None else None
    failed = [
        (one[1] <= (newest or date.min), row.next_try or now, one)
        for one, row in rows
        if is_failed(row) and (is_due(row, all_before) or newest is None or one[1] > newest)
    ]
    again = [window for _, _, one in sorted(failed) for window in cut(one, series.window)][:most]
    due = [(one, row) for one, row in rows if row.reason == REFUSED and is_due(row, all_before)]
    return list(dict.fromkeys([*found, *again, *refused_windows(series, due, [*found, *again])[:most]]))


def newest_first(windows: list[Span]) -> list[Span]:
    """The newest window before all others; they stay in their order."""
    newest = max(windows, default=None)
    return [] if newest is None else [newest, *(window for window in windows if window != newest)]


def refused_windows(series: TableSeries, due: list[tuple[Span, Gap]], others: list[Span]) -> list[Span]:
    """Windows of whole tables over the rates that were refused; with each try others come first, if they are many.

    Neighbouring tables are asked for at once: table B is weekly, and a request for each would take a day for a year.
    """
    spans = union((one for one, _ in due), DAY * series.longest_pause)
    windows = [window for one in spans for window in cut(one, series.window)]
    windows = [one for one in windows if not any(a <= one[0] and one[1] <= b for a, b in others)]
    if len(windows) > MOST_AGAIN:
        turn = max(row.tries for _, row in due) * MOST_AGAIN % len(windows)
        windows = windows[turn:] + windows[:turn]
    return windows


def days_of(row: Gap) -> Span:
    return row.from_time.date(), row.to_time.date()


def is_untried(row: Gap) -> bool:
    return row.reason == FIRST_FILL and not row.tries and row.accepted_at is None


def is_failed(row: Gap) -> bool:
    return row.instrument_id is None and row.reason != REFUSED and row.tries > 0 and row.accepted_at is None


def is_due(row: Gap, all_before: datetime | None = None) -> bool:
    if row.accepted_at is not None:
        return False
    if all_before is not None:
        tried = gaps.tried_at(row)
        return tried is None or tried < all_before
    return row.next_try is None or row.next_try <= clock.now()


def is_in_the_way(row: Gap, of_newest_days: bool) -> bool:
    """Whether a gap says why these days are missing, so that they wait for its next try.

    One rate that was refused says nothing about the newest days.
    """
    if row.reason == REFUSED:
        return not of_newest_days
    return row.instrument_id is None and not is_untried(row)


def is_worth_asking(piece: Span, series: TableSeries, newest: date | None, end: date) -> bool:
    """Long enough not to be a natural pause beside a gap, or days of today's that may have been published."""
    if (piece[1] - piece[0]).days + 1 >= series.longest_pause:
        return True
    return piece[1] == end and can_appear(series, max(piece[0], (newest or date.min) + DAY), end)


def union(spans: Iterable[Span], near: timedelta = DAY) -> list[Span]:
    """The same days in as few spans as possible, ascending; two that begin within `near` of each other are one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + near:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def without(span: Span, others: Iterable[Span]) -> list[Span]:
    """What is left of a span, ascending."""
    left, (start, end) = [], span
    for a, b in union(others):
        if b < start or a > end:
            continue
        if start < a:
            left.append((start, a - DAY))
        start = b + DAY
    return [*left, (start, end)] if start <= end else left
