"""One official table of one day, as its publisher prints it: the publication, its figures, the tables around it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import OuterRef, Q, QuerySet, Subquery

from markets.decimals import published
from markets.licence import Audience, shown_to
from markets.models import Publication, Rate, Source
from markets.queries import gap_days, unpublished
from markets.queries.freshness import OFFICIAL
from markets.queries.gap_days import DailyTable, Hole, Word
from markets.queries.tables import TIMETABLES

# The tables that a page can show by day; the letter and the word of its figures.
LETTERS = ("A", "B", "C")


@dataclass(frozen=True, slots=True)
class Line:
    """One currency of the table, in PLN for one unit; a table has a mid, or bid and ask."""

    code: str
    name_pl: str
    name_en: str
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None


@dataclass(frozen=True, slots=True)
class Proof:
    """The publication; absent where the figures are the archive's, which has no numbers."""

    number: str
    trading_date: date | None
    url: str
    sha256: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class TableDay:
    letter: str
    day: date
    source: str
    proof: Proof | None
    lines: list[Line]


def sources() -> QuerySet[Source]:
    """The NBP and its archive: no other source has tables of these letters."""
    official = Q(code=OFFICIAL) | Q(fallback_for__code=OFFICIAL)
    return Source.objects.filter(official, shown_to(Audience.PAGE, ""))


def read(letter: str, day: date) -> TableDay | None:
    """The table by code, or None where no figure of it is here; two queries."""
    columns = ("instrument__code", "instrument__name_pl", "instrument__name_en", "mid", "bid", "ask", "scale")
    rows = Rate.objects.filter(source__in=sources().values("pk"), table=letter, effective_date=day)
    found = list(rows.order_by("instrument__code").values_list(*columns, "source__name"))
    if not found:
        return None
    lines = [Line(*row[:3], *(published(value, row[6]) for value in row[3:6])) for row in found]
    return TableDay(letter, day, found[0][7], proof_of(letter, day), lines)


def proof_of(letter: str, day: date) -> Proof | None:
    shown = sources().filter(code=OFFICIAL).values("pk")
    found = Publication.objects.filter(source__in=shown, table=letter, effective_date=day)
    row = found.values_list("number", "trading_date", "url", "sha256", "fetched_at").first()
    return Proof(*row) if row else None


def around(letter: str, day: date) -> tuple[date | None, date | None]:
    """The days of the table before and of the one after: a seek for each source, in one query."""
    days = Rate.objects.filter(source=OuterRef("pk"), table=letter).values("effective_date")
    before = Subquery(days.filter(effective_date__lt=day).order_by("-effective_date")[:1])
    after = Subquery(days.filter(effective_date__gt=day).order_by("effective_date")[:1])
    found = list(sources().annotate(before=before, after=after).values_list("before", "after"))
    return max(filter(None, (row[0] for row in found)), default=None), min(
        filter(None, (row[1] for row in found)), default=None
    )


def absence(letter: str, day: date, around: list[date], now: datetime) -> Word:
    """What became of a day without that table, `around` being the days of the nearest ones; one query, for the gaps."""
    missing = [one for one in unpublished.holes() if one.table == letter and one.code is None]
    holes = [Hole(one.first, one.last) for one in missing]
    table = DailyTable(TIMETABLES[letter], min(around, default=day))
    return gap_days.word(day, table, gap_days.Known(holes=holes, days=sorted(around)), now)
