"""What stands on top of an instrument's page: its newest official figure with its proof, in one statement."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from markets import formats
from markets.instruments import create
from markets.instruments.names import GOLD, currency_name
from markets.licence import Audience, shown_to
from markets.models import Currency, Instrument, Quote, Rate
from markets.queries import overview
from markets.queries.asked_once import TEXTS, QuestionOf
from markets.queries.found import find
from markets.queries.freshness import OFFICIAL, LatestPublication
from markets.queries.history import TABLES
from markets.queries.overview import COLUMNS, LatestRate, QuoteRow

PROOF = ("number", "url", "sha256", "fetched_at")
EXTRA = ("instrument", "newest", *PROOF, "first_day", "last_day", "last_mid")


@dataclass(frozen=True, slots=True)
class Headline:
    """`newest` is the newest table A, for all pages alike. `number` is empty and the other fields of the proof are ""
    and None where the archive gives the figure. `extent`: the first and the last day with any figure, table C included.
    """

    instrument: int
    line: LatestRate
    source: str
    newest: LatestPublication | None
    number: str
    url: str
    sha256: str
    fetched_at: datetime | None
    extent: tuple[date, date]
    last_mid: date


def question(code: str) -> "QuerySet[Quote, Any]":
    """Two rows: of the code, and of the newest table A."""
    group = Q(source__code=OFFICIAL) | Q(source__fallback_for__code=OFFICIAL)
    shown = Quote.objects.filter(group, shown_to(Audience.PAGE), effective_date__isnull=False)
    # The official one of a day before the archive's.
    on_top = shown.filter(table="A").order_by("-effective_date", F("source__fallback_for").asc(nulls_first=True))
    same = {name: OuterRef(name) for name in ("instrument", "source", "table", "effective_date")}
    proof = Rate.objects.filter(**same)
    days = Rate.objects.filter(instrument=OuterRef("instrument"), table__in=TABLES).publishable()
    ascending, descending = days.order_by("effective_date"), days.order_by("-effective_date")
    of_table = shown.filter(table=OuterRef("table")).order_by("-effective_date")
    found = shown.filter(Q(instrument__code=code) | Q(pk=Subquery(on_top.values("pk")[:1]))).annotate(
        newest=Subquery(of_table.values("effective_date")[:1]),
        **{name: Subquery(proof.values(f"publication__{name}")[:1]) for name in PROOF},
        first_day=Subquery(ascending.values("effective_date")[:1]),
        last_day=Subquery(descending.values("effective_date")[:1]),
        last_mid=Subquery(descending.filter(mid__isnull=False).values("effective_date")[:1]),
    )
    return found.order_by("pk").values_list(*COLUMNS, *EXTRA)


QUESTION = QuestionOf(question, TEXTS[0])


def read(code: str) -> tuple[Headline | None, LatestPublication | None]:
    """None for a code without a figure; and the newest table A, that the state of the data is judged by."""
    rows = QUESTION.rows_of(code) if "\0" not in code else []
    width = len(COLUMNS)
    quotes = [QuoteRow(*row[:width]) for row in rows]
    newest = newest_of(quotes)
    for quote, row in zip(quotes, rows, strict=True):
        if quote.code == code:
            return headline(quote, dict(zip(EXTRA, row[width:], strict=True)), newest), newest
    return None, newest


def newest_of(quotes: list[QuoteRow]) -> LatestPublication | None:
    days = overview.newest_days(quotes)
    return overview.newest_table(quotes, days) if "A" in days else None


def headline(quote: QuoteRow, facts: dict[str, Any], newest: LatestPublication | None) -> Headline:
    return Headline(
        instrument=facts["instrument"],
        line=overview.latest_rate(quote, facts["newest"], formats.english()),
        source=quote.source_name,
        newest=newest,
        number=facts["number"] or "",
        url=facts["url"] or "",
        sha256=facts["sha256"] or "",
        fetched_at=facts["fetched_at"],
        extent=(facts["first_day"] or quote.day, facts["last_day"] or quote.day),
        last_mid=facts["last_mid"] or quote.day,
    )


@dataclass(frozen=True, slots=True)
class Named:
    """A currency or gold that a text means, without any figure yet."""

    code: str
    name: str


def named(text: str) -> Named | None:
    """By code or alias; an empty database knows every currency that the world knows. At most three statements."""
    instrument, wanted = find(text), text.strip().upper()
    if wanted == GOLD:
        return Named(GOLD, create.gold().name)
    if instrument is None and not Currency.objects.exists() and currency_name(wanted, "pl") != wanted:
        instrument = create.currency(wanted)
    if instrument is None or (instrument.kind != Instrument.Kind.CURRENCY and instrument.code != GOLD):
        return None
    return Named(instrument.code, instrument.name)
