"""What was known of official figures at a moment: which there were then, and what value each of them had.

A figure is known since its publication was first fetched, since an archive brought it, or at the latest since it was
first corrected. Its value then is what the first correction after that moment replaced, else the one of today.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from markets.licence import Audience
from markets.models import ArchiveReading, Publication, Rate, Revision
from markets.models.querysets import RateQuerySet
from markets.queries.asked_once import DAYS, MOMENTS, NUMBER, PreparedQuestion, QuestionOf
from markets.queries.kept import KeptQuestion, Line
from markets.queries.known_columns import CHANGE, HELD, READING, Change, Held, KnownRate, Reading, Said
from markets.queries.rates import chosen
from markets.queries.texts import TextsOf
from markets.queries.then import figure_then


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
    """The rows of `known_by`, or a page of them, with the values that they had; three statements at most.

    A value of a source that the audience may not see is left out.
    """
    return (figure for _, _, figure in of_instruments(rows, as_of, asker))


def of_instruments(
    rows: QuerySet[Any, Any], as_of: datetime, asker: Audience = Audience.API
) -> Iterator[tuple[int, str, KnownRate]]:
    """The same of several instruments, each after the id of its row and the code of its instrument."""
    return of_lines(rows.values_list(*HELD), as_of, asker)


@cache
def held_by(shape: tuple[str, str | None], asker: Audience) -> TextsOf:
    """The rows of `known_by` of a kind and a table (`queries.rates.chosen`): of instruments, from a day to a day, known
    at a moment.
    """

    def asked(instruments: tuple[int], start: date, end: date, as_of: datetime) -> QuerySet[Any, Any]:
        rows = chosen(Rate.objects.filter(instrument__in=instruments).between(start, end), *shape, None)
        return known_by(rows.publishable(asker), as_of)

    return TextsOf(asked, HELD, (NUMBER,), *DAYS, MOMENTS[0], kind=QuestionOf)


def of_lines(lines: Iterable[Line], as_of: datetime, asker: Audience) -> Iterator[tuple[int, str, KnownRate]]:
    """The same of lines of `held_by`."""
    held = [Held(*line) for line in lines]
    if not held:
        return
    changes, readings = changes_of(held, asker), all_readings(asker)
    for row in held:
        known = state_at(row, changes[row.id], reading_of(row, readings), as_of)
        if known is not None and known[0]:
            yield row.id, row.name, known[1]


def held_of(rate: int) -> Held:
    """The row of one rate."""
    [row] = with_first_fetched(Rate.objects.filter(pk=rate)).values_list(*HELD)
    return Held(*row)


def changes_of(held: Sequence[Held], asker: Audience = Audience.OPERATOR) -> dict[int, list[Change]]:
    """By rate, the oldest first; one statement."""
    days = [row.effective_date for row in held]
    found: dict[int, list[Change]] = defaultdict(list)
    for values in changes(asker).rows_of(list({row.instrument for row in held}), min(days), max(days)):
        change = Change(*values)
        found[change.rate].append(change)
    return found


@cache
def changes(asker: Audience) -> PreparedQuestion:
    def asked(instruments: tuple[int], first: date, last: date) -> QuerySet[Revision, Any]:
        rows = Revision.objects.filter(
            rate__instrument__in=instruments, rate__effective_date__range=(first, last), notation=False
        )
        shown = rows.annotate(is_shown=may_be_shown(asker, "old_source"))
        return shown.order_by("seen_at", "pk").values_list(*CHANGE)

    return PreparedQuestion(asked, (NUMBER,), *DAYS)


def all_readings(asker: Audience = Audience.OPERATOR) -> list[Reading]:
    """Some thirty rows, the oldest first."""
    return [Reading(*values) for values in readings(asker).rows()]


@cache
def readings(asker: Audience) -> KeptQuestion:
    rows = ArchiveReading.objects.order_by("read_at", "pk")
    return KeptQuestion(lambda: rows.annotate(is_shown=may_be_shown(asker, "source")).values_list(*READING))


def may_be_shown(asker: Audience, source: str) -> Value | F:
    """A column, for the path to a source."""
    return Value(value=True) if asker is Audience.OPERATOR else F(f"{source}__{asker.value}")


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


def state_at(
    row: Held, changes: list[Change], reading: Reading | None, as_of: datetime
) -> tuple[bool, KnownRate] | None:  # fmt: skip
    """Whether its source may be shown, and the figure; None where nothing says that it was known."""
    found = figure_then(
        Said._make((True, *row[4:8], row.code, row.number or "")),
        [(change.seen_at, Said._make(change[2:])) for change in changes],
        row.first_fetched,
        reading and (reading.read_at, Said(reading.is_shown, *row[4:8], reading.code, "")),
        as_of,
    )
    if found is None:
        return None
    said, since = found
    values = (said.mid, said.bid, said.ask, said.scale, said.source, row.table, said.number)
    return said.is_shown, KnownRate(row.effective_date, *values, since)
