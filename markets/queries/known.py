"""What was known of official figures at a moment: which there were then, and what value each of them had.

A figure is known since its publication was first fetched, since an archive brought it, or at the latest since it was
first corrected. Its value then is what the first correction after that moment replaced, else the one of today.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from markets.licence import Audience, shown_to
from markets.models import ArchiveReading, Publication, Rate, Revision, Source
from markets.models.querysets import RateQuerySet


class KnownRate(NamedTuple):
    """A figure as it was known: the columns of `queries.rates.COLUMNS`, and since when this value was known."""

    effective_date: date
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    scale: int
    source: str
    table: str
    number: str
    known_from: datetime


class Reading(NamedTuple):
    source: int
    official: int | None
    code: str
    from_day: date
    to_day: date
    last_rate: int
    read_at: datetime
    edition: str


class Change(NamedTuple):
    """A correction; the source that gave the value before is shown by its code."""

    rate: int
    seen_at: datetime
    source: int
    code: str
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    scale: int
    number: str


class Held(NamedTuple):
    """The row of today."""

    id: int
    instrument: int
    source: int
    effective_date: date
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    scale: int
    code: str
    table: str
    number: str | None
    first_fetched: datetime | None


CHANGE = (
    *("rate", "seen_at", "old_source", "old_source__code"),
    *("old_mid", "old_bid", "old_ask", "old_scale", "old_number"),
)
HELD = (
    *("pk", "instrument", "source", "effective_date", "mid", "bid", "ask", "scale", "source__code", "table"),
    *("publication__number", "first_fetched"),
)
READING = (
    *("source", "source__fallback_for", "source__code", "from_day", "to_day", "last_rate", "read_at", "edition"),
)


def known_by(rows: RateQuerySet[Rate], as_of: datetime) -> RateQuerySet[Any]:
    """Only the figures that were known at the moment; a queryset, so that it can be counted and cut into pages."""
    read = ArchiveReading.objects.filter(
        Q(source=OuterRef("source")) | Q(source__fallback_for=OuterRef("source")),
        from_day__lte=OuterRef("effective_date"),
        to_day__gte=OuterRef("effective_date"),
        last_rate__gte=OuterRef("pk"),
        read_at__lte=as_of,
    )
    corrected = Revision.objects.filter(rate=OuterRef("pk"), notation=False, seen_at__lte=as_of)
    dated = with_first_fetched(rows)
    return dated.filter(Q(first_fetched__lte=as_of) | Exists(read) | Exists(corrected))


def with_first_fetched(rows: RateQuerySet[Rate]) -> RateQuerySet[Any]:
    """`first_fetched` of the publication; of a figure that it leaves out by now, of that table and day."""
    own = Publication.objects.filter(
        source=OuterRef("source"), table=OuterRef("table"), effective_date=OuterRef("effective_date")
    )
    first = Subquery(own.values("first_fetched_at")[:1])
    return rows.annotate(first_fetched=Coalesce(F("publication__first_fetched_at"), first))


def as_known(rows: QuerySet[Any, Any], as_of: datetime, asker: Audience = Audience.API) -> Iterator[KnownRate]:
    """The rows of `known_by`, or a page of them, with the values that they had; four statements at most.

    A value of a source that the audience may not see is left out.
    """
    held = [Held(*row) for row in rows.values_list(*HELD)]
    if not held:
        return
    changes, readings, hidden = changes_of(held), all_readings(), hidden_from(asker)
    for row in held:
        known = state_at(row, changes[row.id], reading_of(row, readings), as_of)
        if known is not None and known[0] not in hidden:
            yield known[1]


def held_of(rate: int) -> Held:
    """The row of one rate."""
    [row] = with_first_fetched(Rate.objects.filter(pk=rate)).values_list(*HELD)
    return Held(*row)


def changes_of(held: list[Held]) -> dict[int, list[Change]]:
    """By rate, the oldest first; one statement."""
    days = [row.effective_date for row in held]
    found: dict[int, list[Change]] = defaultdict(list)
    rows = Revision.objects.filter(
        rate__instrument__in={row.instrument for row in held},
        rate__effective_date__range=(min(days), max(days)),
        notation=False,
    )
    for values in rows.order_by("seen_at", "pk").values_list(*CHANGE):
        change = Change(*values)
        found[change.rate].append(change)
    return found


def all_readings() -> list[Reading]:
    """Some thirty rows, the oldest first."""
    rows = ArchiveReading.objects.order_by("read_at", "pk")
    return [Reading(*values) for values in rows.values_list(*READING)]


def reading_of(row: Held, readings: list[Reading]) -> Reading | None:
    """The first reading that the figure was there after."""
    return next(
        (
            one
            for one in readings
            if row.source in {one.source, one.official}
            and one.from_day <= row.effective_date <= one.to_day
            and row.id <= one.last_rate
        ),
        None,
    )


def hidden_from(asker: Audience) -> set[int]:
    if asker is Audience.OPERATOR:
        return set()
    return set(Source.objects.exclude(shown_to(asker, "")).values_list("pk", flat=True))


def state_at(
    row: Held, changes: list[Change], reading: Reading | None, as_of: datetime
) -> tuple[int, KnownRate] | None:  # fmt: skip
    """The id of its source and the figure; None where nothing says that it was known."""
    before = [change for change in changes if change.seen_at <= as_of]
    after = next((change for change in changes if change.seen_at > as_of), None)
    known_from = before[-1].seen_at if before else first_known(row, reading)
    if known_from is None or known_from > as_of:
        return None
    day, table = row.effective_date, row.table
    if after is not None:
        values = (after.mid, after.bid, after.ask, after.scale, after.code, table, after.number)
        return after.source, KnownRate(day, *values, known_from)
    of_archive = reading is not None and not before and (row.first_fetched is None or row.first_fetched > as_of)
    if reading is not None and of_archive:
        return reading.source, KnownRate(day, row.mid, row.bid, row.ask, row.scale, reading.code, table, "", known_from)
    code, number = row.code, row.number or ""
    return row.source, KnownRate(day, row.mid, row.bid, row.ask, row.scale, code, table, number, known_from)


def first_known(row: Held, reading: Reading | None) -> datetime | None:
    """Since when a figure of that place was known, whatever its value was at first."""
    moments = [moment for moment in (row.first_fetched, reading and reading.read_at) if moment is not None]
    return min(moments, default=None)
