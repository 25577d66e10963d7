"""What sources have not given: gaps are written, merged and closed here, in the transaction of the rows.

A gap is tried again by the next hourly run, then after twice as long each time, at most after a day.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef

from markets import clock
from markets.models import Gap, Source
from markets.store.outbox import midnight
from markets.timeframes import SECONDS

DAY = timedelta(days=1)
# Less than an hour: the run of the next hour begins a little earlier after it than this one failed.
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=50), timedelta(hours=24)
# Two spans of a table nearer than this are one gap: table B of the NBP pauses for up to 16 days.
NEAR = timedelta(days=16)
# Series of one instrument: the candles of a timeframe, and the prices of a day, which have no table.
CANDLES, PRICES = "candle:", "price"

# Of a source: asked in the statement that locks it, so that a save where nothing is missing pays for no other.
EXIST = Exists(Gap.objects.filter(source=OuterRef("pk")))

Key = tuple[str, int | None]
Span = tuple[datetime, datetime]


class Missing(NamedTuple):
    """A span of a series: the first and the last bar. No instrument: the whole table."""

    table: str
    instrument: int | None
    first: datetime
    last: datetime


class Answered(NamedTuple):
    """Everything that was published of these instruments from the first to the last bar has been fetched."""

    table: str
    instruments: Collection[int | None]
    first: datetime
    last: datetime


def of_days(table: str, first: date, last: date, instrument: int | None = None) -> Missing:
    return Missing(table, instrument, midnight(first), midnight(last))


def begin_first_fill(source: Source, spans: Iterable[Missing]) -> None:
    """History that a collector is about to bring: nobody decides on the half of it that is there meanwhile, and the
    schedule brings what the collector has left when it died.
    """
    with transaction.atomic():
        known: dict[Key, list[Gap]] = defaultdict(list)
        for row in Gap.objects.filter(source=source, reason=Gap.Reason.FIRST_FILL).order_by("from_time"):
            known[row.table, row.instrument_id].append(row)
        for span in spans:
            there = known[span.table, span.instrument]
            for first, last in left_of(span, there):
                new = span._replace(first=first, last=last)
                near = [row for row in there if not row.tries and not row.accepted_at and touches(row, new)]
                if near:
                    widen(near[0], new)
                    near[0].save(update_fields=["from_time", "to_time"])
                else:
                    Gap.objects.create(source=source, reason=Gap.Reason.FIRST_FILL, **columns(new))


def left_of(span: Missing, rows: Iterable[Gap]) -> list[Span]:
    """The parts of a span that none of these gaps holds; the gaps ascend."""
    left, start, bar = [], span.first, step(span.table)
    for row in rows:
        if row.to_time < start or row.from_time > span.last:
            continue
        if start < row.from_time:
            left.append((start, row.from_time - bar))
        start = row.to_time + bar
    return [*left, (start, span.last)] if start <= span.last else left


def failed(source: Source, span: Missing, reason: Gap.Reason, cause: str = "", is_outage: bool = False) -> None:
    """A window that could not be had: a gap of its own, cut out of those that held its days, with one try more.

    Inside the first fill of a table it stays a part of that fill, since decisions wait for it. Each failed window waits
    for its own next try and keeps none of its neighbours waiting. In an outage of the whole source no window is at
    fault: the next hourly run asks again. What an operator has accepted is not reported again.
    """
    with transaction.atomic():
        tried = Gap.objects.filter(source=source, table=span.table, instrument=span.instrument)
        tried = tried.exclude(reason=Gap.Reason.REFUSED)
        rows = list(tried.filter(from_time__lte=span.last, to_time__gte=span.first).order_by("from_time"))
        if any(row.accepted_at and row.from_time <= span.first and span.last <= row.to_time for row in rows):
            return
        open_rows = [row for row in rows if row.accepted_at is None]
        if span.instrument is None and any(row.reason == Gap.Reason.FIRST_FILL for row in open_rows):
            reason = Gap.Reason.FIRST_FILL
        tries = max((row.tries for row in open_rows), default=0)
        for row in open_rows:
            cut_out(row, max(span.first, row.from_time), min(span.last, row.to_time))
        before = max(tries - 1, 0) if is_outage else tries
        new = Gap(source=source, reason=reason, tries=before, cause=cause, **columns(span))
        tried_again(new)
        new.save()


def put_off_refused(source: Source, span: Missing) -> None:
    """Rates that were refused and are due were asked for and did not come: a try of theirs."""
    rows = Gap.objects.filter(source=source, table=span.table, reason=Gap.Reason.REFUSED, accepted_at=None)
    put_off(rows.filter(next_try__lte=clock.now(), from_time__lte=span.last, to_time__gte=span.first))


def put_off(rows: Iterable[Gap]) -> None:
    for row in rows:
        tried_again(row)
        row.save(update_fields=["tries", "next_try"])


def close_answered(source: Source, answered: Answered) -> dict[int, int]:
    """What had failed, or was ordered, has come. What is missing between two candles stays until they arrive: the tries
    of these gaps, by key.
    """
    missing = {}
    for row in of_answered(source, answered):
        if row.reason == Gap.Reason.MISSING:
            missing[row.pk] = row.tries
        else:
            cut_out(row, max(answered.first, row.from_time), min(answered.last, row.to_time))
    return missing


def put_off_missing(source: Source, answered: Answered, tries: Mapping[int, int]) -> None:
    """Candles between two others that were asked for and did not come, unless that try is counted already."""
    put_off(row for row in of_answered(source, answered) if tries.get(row.pk) == row.tries)


def of_answered(source: Source, answered: Answered) -> list[Gap]:
    """The open gaps that an answer is about."""
    rows = overlapping(source, [answered.table], answered.first, answered.last)
    return [row for row in rows if row.instrument_id in answered.instruments and row.accepted_at is None]


def record(source: Source, reason: Gap.Reason, missing: Collection[Missing]) -> None:
    """Write gaps; one that touches a gap of the same series and reason widens it.

    It counts a try when the gap was due: what is read again with every request must not put its next try off for ever.
    What an operator has accepted is not reported again. Candles that a gap of another reason holds are told there.
    """
    if not missing:
        return
    held, others = defaultdict[Key, list[Gap]](list), defaultdict[Key, list[Gap]](list)
    for row in Gap.objects.filter(source=source, table__in={span.table for span in missing}).order_by("from_time"):
        (held if row.reason == reason else others)[row.table, row.instrument_id].append(row)
    if reason == Gap.Reason.MISSING:
        missing = [part for span in missing for part in parts(span, others[span.table, span.instrument])]
    met: dict[int, Gap] = {}
    for span in sorted(missing, key=lambda span: (span.first, span.last)):
        rows = held[span.table, span.instrument]
        if any(row.accepted_at and row.from_time <= span.first and span.last <= row.to_time for row in rows):
            continue
        near = [row for row in rows if not row.accepted_at and touches(row, span)]
        row = near[0] if near else Gap(source=source, reason=reason, **columns(span))
        widen(row, span)
        if id(row) not in met:
            if row.next_try is None or row.next_try <= clock.now():
                tried_again(row)
            met[id(row)] = row
        if not near:
            rows.append(row)
    known = [row for row in met.values() if row.pk]
    Gap.objects.bulk_create([row for row in met.values() if row.pk is None])
    Gap.objects.bulk_update(known, ["from_time", "to_time", "tries", "next_try"])


def parts(span: Missing, others: Iterable[Gap]) -> list[Missing]:
    """What none of these gaps holds."""
    return [span._replace(first=first, last=last) for first, last in left_of(span, others)]


def columns(span: Missing) -> dict[str, Any]:
    return {
        "table": span.table,
        "instrument_id": span.instrument,
        "from_time": span.first,
        "to_time": span.last,
    }


def tried_again(row: Gap) -> None:
    row.tries += 1
    row.next_try = clock.now() + wait_after(row.tries)


def wait_after(tries: int) -> timedelta:
    return min(FIRST_RETRY * (1 << min(tries - 1, 5)), LONGEST_RETRY)


def tried_at(row: Gap) -> datetime | None:
    """When it was asked for last, as its next try tells; None for one that never was."""
    return row.next_try - wait_after(row.tries) if row.next_try and row.tries else None


def touches(row: Gap, span: Missing) -> bool:
    near = step(span.table) if span.table.startswith((CANDLES, PRICES)) else NEAR
    return row.from_time - near <= span.last and span.first <= row.to_time + near


def widen(row: Gap, span: Missing) -> None:
    row.from_time, row.to_time = min(row.from_time, span.first), max(row.to_time, span.last)


def step(table: str) -> timedelta:
    """From one bar of a table to the next."""
    return timedelta(seconds=SECONDS[table.removeprefix(CANDLES)]) if table.startswith(CANDLES) else DAY


def overlapping(source: Source, tables: Iterable[str], first: datetime, last: datetime) -> list[Gap]:
    """The gaps that rows from `first` to `last` may close."""
    rows = Gap.objects.filter(source=source, table__in=set(tables), from_time__lte=last, to_time__gte=first)
    return list(rows)


def close(rows: Iterable[Gap], arrived: Mapping[Key, Sequence[Span]]) -> None:
    """Cut out of each gap what arrived: from the first to the last of these spans that lie inside it."""
    for row in rows:
        spans = arrived.get((row.table, row.instrument_id), ())
        inside = [span for span in spans if span[0] <= row.to_time and row.from_time <= span[1]]
        if inside:
            first, last = min(span[0] for span in inside), max(span[1] for span in inside)
            cut_out(row, max(first, row.from_time), min(last, row.to_time))


def cut_out(row: Gap, first: datetime, last: datetime) -> None:
    bar = step(row.table)
    left = [(row.from_time, first - bar), (last + bar, row.to_time)]
    rest = [(start, end) for start, end in left if start <= end]
    if not rest:
        row.delete()
        return
    (row.from_time, row.to_time), *second = rest
    row.save(update_fields=["from_time", "to_time"])
    for row.from_time, row.to_time in second:
        row.pk = None
        row.save(force_insert=True)
