"""The overview of the dashboard: the latest rate of every currency and of gold, with its change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from markets import formats
from markets.decimals import published, scale_of
from markets.instruments import redenominations
from markets.instruments.names import GOLD
from markets.licence import Audience, shown_to
from markets.models import Instrument, Quote, Rate
from markets.models.querysets import MID_TABLES
from markets.queries.asked_once import DAYS, QuestionOf
from markets.queries.freshness import OFFICIAL, LatestPublication
from markets.queries.kept import KeptQuestion

# Table B is weekly: a currency that is missing for three weeks is retired. A change over a longer step is not shown.
RETIRED_AFTER = timedelta(days=21)
POPULAR = ("EUR", "USD", "CHF", "GBP")
TILES = (*POPULAR, GOLD)
MONTH = timedelta(days=30)
COLUMNS = (
    *("table", "effective_date", "price", "scale", "previous", "previous_scale", "previous_date"),
    *("instrument__code", "instrument__kind", "instrument__unit", "instrument__name_pl", "instrument__name_en"),
    *("source__code", "source__name", "source__edition", "source__fallback_for_id"),
)
# Every rate of both languages of three days: 200 instruments.
KEPT = 2048
TROY_OUNCE = Decimal("31.1034768")  # grams, exactly


class QuoteRow(NamedTuple):
    """The columns of COLUMNS."""

    table: str
    day: date
    price: Decimal
    scale: int
    previous: Decimal | None
    previous_scale: int | None
    previous_date: date | None
    code: str
    kind: str
    unit: str
    name_pl: str
    name_en: str
    source: str
    source_name: str
    edition: str
    fallback_for: int | None


@dataclass(frozen=True, slots=True)
class LatestRate:
    """The latest rate of one instrument. `change` and `percent` are None if there is no recent earlier rate."""

    code: str
    name: str
    unit: str
    table: str
    day: date
    value: Decimal
    change: Decimal | None
    percent: Decimal | None
    retired: bool


@dataclass(frozen=True, slots=True)
class Board:
    currencies: list[LatestRate]
    retired: list[LatestRate]
    gold: LatestRate | None
    newest: LatestPublication | None
    days: dict[str, date]

    @property
    def current(self) -> list[LatestRate]:
        """The currencies that are still published, and gold."""
        return [*self.currencies, *([self.gold] if self.gold else [])]

    @property
    def tiles(self) -> dict[str, LatestRate | None]:
        """The latest rates of the tiles, in their order; None where there is no rate."""
        rates = {row.code: row for row in (*self.retired, *self.current)}
        return {code: rates.get(code) for code in TILES}


def quotes() -> "QuerySet[Quote, Any]":
    """Those of the NBP and of its archive that may be shown."""
    source_group = Q(source__code=OFFICIAL) | Q(source__fallback_for__code=OFFICIAL)
    wanted = Quote.objects.filter(source_group, shown_to(Audience.PAGE), effective_date__isnull=False)
    return wanted.order_by("instrument__code").values_list(*COLUMNS)


QUOTES = KeptQuestion(quotes)


def board() -> Board:
    """The overview in one query: the quote of each instrument from the NBP or its archive, if it may be shown."""
    return arrange([QuoteRow(*row) for row in QUOTES.rows()])


def quote_row(quote: Quote) -> QuoteRow:
    """Of one that is read with its instrument and its source."""
    return QuoteRow(*attrgetter(*(name.replace("__", ".") for name in COLUMNS))(quote))


def arrange(quotes: Sequence[QuoteRow]) -> Board:
    days, english = newest_days(quotes), formats.english()
    rates = [latest_rate(quote, days[quote.table], english) for quote in quotes if quote.table in MID_TABLES]
    gold = next((latest_rate(quote, days[quote.table], english) for quote in quotes if quote.code == GOLD), None)
    return Board(
        currencies=sorted((row for row in rates if not row.retired), key=popular_first),
        retired=[row for row in rates if row.retired],
        gold=gold,
        newest=newest_table(quotes, days),
        days={table: day for table, day in days.items() if table in MID_TABLES},
    )


def newest_days(quotes: Sequence[QuoteRow]) -> dict[str, date]:
    """The day of the newest table of each letter."""
    days: dict[str, date] = {}
    for quote in quotes:
        days[quote.table] = max(quote.day, days.get(quote.table, quote.day))
    return days


def newest_table(quotes: Sequence[QuoteRow], days: Mapping[str, date]) -> LatestPublication | None:
    """The newest table A: the official one as soon as one of its rates is official, else the archive's."""
    on_top = [row for row in quotes if row.table == "A" and row.day == days["A"]]
    if not on_top:
        return None
    row = min(on_top, key=lambda row: row.fallback_for is not None)
    official = row.fallback_for is None
    return LatestPublication(row.day, row.source, row.source_name, row.edition, official=official)


def popular_first(row: LatestRate) -> tuple[int, str]:
    return (POPULAR.index(row.code) if row.code in POPULAR else len(POPULAR), row.code)


@lru_cache(KEPT)
def latest_rate(quote: QuoteRow, newest: date, english: bool) -> LatestRate:
    """`newest` is the day of the newest table of that letter. Kept: a figure stays for a day, a page takes 200."""
    retired = newest - quote.day > RETIRED_AFTER
    value = published(quote.price, quote.scale) or quote.price
    before = None if retired else earlier(quote)
    return LatestRate(
        code=quote.code,
        name=quote.name_en if english else quote.name_pl,
        unit=unit_of(quote),
        table=quote.table,
        day=quote.day,
        value=value,
        change=None if before is None else value - before,
        percent=None if before is None else (value / before - 1) * 100,
        retired=retired,
    )


def earlier(quote: QuoteRow) -> Decimal | None:
    """The previous rate; None if it is more than three weeks older, or for another unit."""
    if quote.previous is None or quote.previous_date is None or quote.day - quote.previous_date > RETIRED_AFTER:
        return None
    if redenominations.crosses(quote.code, quote.previous_date, quote.day):
        return None
    return published(quote.previous, quote.scale if quote.previous_scale is None else quote.previous_scale)


def unit_of(quote: QuoteRow) -> str:
    """`1 USD` for a currency; for a metal its unit."""
    return f"{quote.unit} {quote.code}" if quote.kind == Instrument.Kind.CURRENCY else quote.unit


def per_many(row: LatestRate) -> tuple[int, Decimal] | None:
    """A small unit's rate as the NBP prints it: per 100 or per 10,000, with at least four decimals; None per one.

    The published decimals decide: up to four are per one, up to six per 100, more per 10,000.
    """
    decimals = scale_of(row.value)
    if decimals <= 4:
        return None
    shift = 2 if decimals <= 6 else 4
    return 10**shift, row.value.scaleb(shift).quantize(Decimal(1).scaleb(-max(4, decimals - shift)))


def per_ounce(row: LatestRate) -> Decimal:
    """The price of a troy ounce from that of a gram, rounded to the grosz."""
    return (row.value * TROY_OUNCE).quantize(Decimal("0.01"), ROUND_HALF_UP)


@lru_cache(64)
def question_of_days(codes: tuple[str, ...], tables: tuple[str, ...]) -> QuestionOf:
    """The tiles are the same at every page: Django takes 1.5 ms to write this."""
    rows = Rate.objects.filter(instrument__code__in=codes, table__in=tables, mid__isnull=False).publishable()
    columns = ("instrument__code", "effective_date", "mid")
    return QuestionOf(
        lambda since: rows.filter(effective_date__gt=since).order_by("effective_date").values_list(*columns), DAYS[0]
    )


def last_month(latest: Sequence[LatestRate]) -> dict[str, list[Decimal]]:
    """By code: the rates of the 30 days up to the day of the latest rate, ascending, of one unit; one query."""
    if not latest:
        return {}
    days = {row.code: row.day for row in latest}
    since_break = {code: redenominations.newest_break(code, day) for code, day in days.items()}
    found: dict[str, list[Decimal]] = {code: [] for code in days}
    question = question_of_days(tuple(days), tuple(sorted({row.table for row in latest})))
    for code, day, mid in question.rows_of(min(days.values()) - MONTH):
        if days[code] - MONTH < day <= days[code] and day >= since_break[code]:
            found[code].append(mid)
    return found
