"""Published figures of several instruments at once, each day's canonical one, ready to be asked day by day."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery

from markets.instruments.names import GOLD
from markets.licence import Audience
from markets.models import Instrument, Rate
from markets.models.querysets import RateQuerySet
from markets.queries import known
from markets.queries.asked_once import DAYS, NUMBER, PreparedQuestion
from markets.queries.known_columns import KnownRate
from markets.queries.rates import chosen, digits, of_source
from markets.queries.texts import Digits

COLUMNS = (
    *("instrument__code", "effective_date", Digits("mid"), Digits("bid"), Digits("ask"), "source__code", "table"),
    "publication__number",
)
# Only where a row says where it came from: an index has every other column.
PROOF = ("pk", "publication")
GOLD_TABLE = "gold"
# Kind and table, as `queries.rates.chosen` takes them.
Shape = tuple[str, str | None]


class Figure(NamedTuple):
    """With its published digits as text: most figures are sent as they are, and of some are made others."""

    day: date
    mid: str | None
    bid: str | None
    ask: str | None
    source: str
    table: str
    number: str | None
    rate: int | None = None
    publication: int | None = None
    # Only where it was asked for what was known at a moment.
    known_from: datetime | None = None

    @property
    def value(self) -> Decimal | None:
        return None if self.mid is None else Decimal(self.mid)


class Span(NamedTuple):
    """From when to when an instrument was quoted, and in which table at last."""

    first: date
    last: date
    table: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose figures are asked for, and of which publisher; all instruments are of one kind. As they were known at
    `as_of`; `proof`: whether each row says where it came from.
    """

    instruments: Sequence[Instrument]
    table: str | None = None
    source: str | None = None
    audience: Audience = Audience.API
    as_of: datetime | None = None
    proof: bool = False

    @property
    def shape(self) -> "Shape":
        kind = self.instruments[0].kind if self.instruments else Instrument.Kind.CURRENCY.value
        return kind, self.table

    def of(self, rows: RateQuerySet[Rate]) -> RateQuerySet[Rate]:
        return of_source(chosen(rows, *self.shape, self.source), self.source, self.audience)


@dataclass(frozen=True, slots=True)
class Series:
    """The figures of one instrument, by day; `days` ascend."""

    days: list[date]
    figures: dict[date, Figure]


def read(wanted: Wanted, start: date, end: date) -> dict[str, Series]:
    """By code, both days inclusive; one query however many instruments, three as of a moment."""
    pks = [row.pk for row in wanted.instruments]
    if not pks:
        return {}
    if not is_written(wanted):
        return series_of(wanted, wanted.of(Rate.objects.filter(instrument__in=pks).between(start, end)))
    if wanted.as_of:
        lines = known.held_by(wanted.shape, wanted.audience).lines.rows_of(pks, start, end, wanted.as_of)
        return by_code(of_known(known.of_lines(lines, wanted.as_of, wanted.audience)))
    found = written(wanted.shape, wanted.audience, wanted.proof).rows_of(pks, start, end)
    return by_code((code, Figure(*columns)) for code, *columns in found)


def read_gold(wanted: Wanted, start: date, end: date) -> dict[str, Series]:
    """PLN for a gram, of the publisher that is wanted."""
    rows = Rate.objects.filter(instrument__code=GOLD).of_table(GOLD_TABLE).between(start, end)
    return series_of(wanted, of_source(rows, wanted.source, wanted.audience))


def is_written(wanted: Wanted) -> bool:
    """Whether its SQL is written once a process: a source of its own is rare."""
    return wanted.source is None


@cache
def written(shape: Shape, audience: Audience, proof: bool) -> PreparedQuestion:
    def asked(instruments: tuple[int], start: date, end: date) -> "QuerySet[Rate, Any]":
        rows = Rate.objects.filter(instrument__in=instruments).between(start, end)
        return chosen(rows, *shape, None).publishable(audience).values_list(*COLUMNS, *(PROOF if proof else ()))

    return PreparedQuestion(asked, (NUMBER,), *DAYS)


def series_of(wanted: Wanted, rows: RateQuerySet[Rate]) -> dict[str, Series]:
    return by_code(as_known(rows, wanted.as_of, wanted.audience) if wanted.as_of else as_they_stand(rows))


def by_code(figures: Iterable[tuple[str, Figure]]) -> dict[str, Series]:
    found: dict[str, dict[date, Figure]] = defaultdict(dict)
    for code, figure in figures:
        found[code].setdefault(figure.day, figure)
    return {code: Series(list(figures), figures) for code, figures in found.items()}


def as_they_stand(rows: RateQuerySet[Rate]) -> Iterator[tuple[str, Figure]]:
    return ((code, Figure(*columns)) for code, *columns in rows.values_list(*COLUMNS, *PROOF))


def as_known(rows: RateQuerySet[Rate], as_of: datetime, audience: Audience) -> Iterator[tuple[str, Figure]]:
    return of_known(known.of_instruments(known.known_by(rows, as_of), as_of, audience))


def of_known(found: Iterable[tuple[int, str, KnownRate]]) -> Iterator[tuple[str, Figure]]:
    for rate, code, one in found:
        mid, bid, ask = (digits(value, one.scale) for value in (one.mid, one.bid, one.ask))
        who = (one.source, one.table, one.number)
        yield code, Figure(one.effective_date, mid, bid, ask, *who, rate=rate, known_from=one.known_from)


def spans(wanted: Wanted) -> dict[str, Span]:
    """By code; what was never quoted is not among them. Two seeks an instrument, in one query."""
    pks = [row.pk for row in wanted.instruments]
    if is_written(wanted):
        found = written_spans(wanted.shape, wanted.audience).rows_of(pks)
    else:
        found = list(spans_of(wanted.of(Rate.objects.filter(instrument=OuterRef("pk"))), pks))
    return by_name(found)


@cache
def written_spans(shape: Shape, audience: Audience) -> PreparedQuestion:
    def asked(instruments: tuple[int]) -> "QuerySet[Instrument, Any]":
        rows = Rate.objects.filter(instrument=OuterRef("pk"))
        return spans_of(chosen(rows, *shape, None).publishable(audience), instruments)

    return PreparedQuestion(asked, (NUMBER,))


def gold_span(wanted: Wanted) -> dict[str, Span]:
    rows = Rate.objects.filter(instrument=OuterRef("pk")).of_table(GOLD_TABLE)
    shown = of_source(rows, wanted.source, wanted.audience)
    return by_name(list(spans_of(shown, Instrument.objects.filter(code=GOLD).values("pk"))))


def spans_of(rows: RateQuerySet[Rate], pks: Any) -> "QuerySet[Instrument, Any]":
    first, last = rows.order_by("effective_date"), rows.order_by("-effective_date")
    found = Instrument.objects.filter(pk__in=pks).annotate(
        first=Subquery(first.values("effective_date")[:1]),
        last=Subquery(last.values("effective_date")[:1]),
        last_table=Subquery(last.values("table")[:1]),
    )
    return found.values_list("code", "first", "last", "last_table")


def by_name(rows: Iterable[tuple[str, Any, Any, Any]]) -> dict[str, Span]:
    return {code: Span(begin, end, table) for code, begin, end, table in rows if begin}


def at_or_before(days: Sequence[date], day: date) -> date | None:
    place = bisect_right(days, day)
    return days[place - 1] if place else None


def at_or_after(days: Sequence[date], day: date) -> date | None:
    place = bisect_left(days, day)
    return days[place] if place < len(days) else None


def moved(day: date, by: timedelta) -> date:
    """The calendar of Python ends in the years 1 and 9999."""
    return date.fromordinal(min(max(day.toordinal() + by.days, 1), date.max.toordinal()))
