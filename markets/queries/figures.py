"""Published figures of several instruments at once, each day's canonical one, ready to be asked day by day."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import OuterRef, Subquery

from markets.decimals import published
from markets.instruments.names import GOLD
from markets.licence import Audience
from markets.models import Instrument, Rate
from markets.models.querysets import RateQuerySet
from markets.queries import known
from markets.queries.rates import chosen, of_source

COLUMNS = (
    *("instrument__code", "effective_date", "mid", "bid", "ask", "scale", "source__code", "table"),
    *("publication__number", "pk", "publication"),
)
GOLD_TABLE = "gold"


class Figure(NamedTuple):
    day: date
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    scale: int
    source: str
    table: str
    number: str | None
    rate: int | None = None
    publication: int | None = None
    # Only where it was asked for what was known at a moment.
    known_from: datetime | None = None

    @property
    def value(self) -> Decimal | None:
        """The mid with its published digits."""
        return published(self.mid, self.scale)


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

    def of(self, rows: RateQuerySet[Rate]) -> RateQuerySet[Rate]:
        kind = self.instruments[0].kind if self.instruments else Instrument.Kind.CURRENCY.value
        return of_source(chosen(rows, kind, self.table, self.source), self.source, self.audience)


@dataclass(frozen=True, slots=True)
class Series:
    """The figures of one instrument, by day; `days` ascend."""

    days: list[date]
    figures: dict[date, Figure]


def read(wanted: Wanted, start: date, end: date) -> dict[str, Series]:
    """By code, both days inclusive; one query however many instruments, three as of a moment."""
    pks = [row.pk for row in wanted.instruments]
    return series_of(wanted, wanted.of(Rate.objects.filter(instrument__in=pks).between(start, end))) if pks else {}


def read_gold(wanted: Wanted, start: date, end: date) -> dict[str, Series]:
    """PLN for a gram, of the publisher that is wanted."""
    rows = Rate.objects.filter(instrument__code=GOLD).of_table(GOLD_TABLE).between(start, end)
    return series_of(wanted, of_source(rows, wanted.source, wanted.audience))


def series_of(wanted: Wanted, rows: RateQuerySet[Rate]) -> dict[str, Series]:
    found: dict[str, dict[date, Figure]] = defaultdict(dict)
    for code, figure in as_known(rows, wanted.as_of, wanted.audience) if wanted.as_of else as_they_stand(rows):
        found[code].setdefault(figure.day, figure)
    return {code: Series(list(figures), figures) for code, figures in found.items()}


def as_they_stand(rows: RateQuerySet[Rate]) -> Iterator[tuple[str, Figure]]:
    return ((code, Figure(*columns)) for code, *columns in rows.values_list(*COLUMNS))


def as_known(rows: RateQuerySet[Rate], as_of: datetime, audience: Audience) -> Iterator[tuple[str, Figure]]:
    for rate, code, figure in known.of_instruments(known.known_by(rows, as_of), as_of, audience):
        yield code, Figure(*figure[:-1], rate=rate, known_from=figure.known_from)


def spans(wanted: Wanted) -> dict[str, Span]:
    """By code; what was never quoted is not among them. Two seeks an instrument, in one query."""
    rows = wanted.of(Rate.objects.filter(instrument=OuterRef("pk")))
    return spans_of(rows, [row.pk for row in wanted.instruments])


def gold_span(wanted: Wanted) -> dict[str, Span]:
    rows = Rate.objects.filter(instrument=OuterRef("pk")).of_table(GOLD_TABLE)
    return spans_of(of_source(rows, wanted.source, wanted.audience), Instrument.objects.filter(code=GOLD).values("pk"))


def spans_of(rows: RateQuerySet[Rate], pks: Any) -> dict[str, Span]:
    first, last = rows.order_by("effective_date"), rows.order_by("-effective_date")
    found = Instrument.objects.filter(pk__in=pks).annotate(
        first=Subquery(first.values("effective_date")[:1]),
        last=Subquery(last.values("effective_date")[:1]),
        last_table=Subquery(last.values("table")[:1]),
    )
    columns = found.values_list("code", "first", "last", "last_table")
    return {code: Span(begin, end, table) for code, begin, end, table in columns if begin}


def at_or_before(days: Sequence[date], day: date) -> date | None:
    place = bisect_right(days, day)
    return days[place - 1] if place else None


def at_or_after(days: Sequence[date], day: date) -> date | None:
    place = bisect_left(days, day)
    return days[place] if place < len(days) else None


def moved(day: date, by: timedelta) -> date:
    """The calendar of Python ends in the years 1 and 9999."""
    return date.fromordinal(min(max(day.toordinal() + by.days, 1), date.max.toordinal()))
