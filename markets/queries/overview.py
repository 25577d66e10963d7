"""The newest figure of everything, with its change: what the first screen shows, before it is written in a language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Q

from markets.decimals import published, scale_of
from markets.instruments.names import GOLD
from markets.licence import Audience, shown_to
from markets.models import Instrument, Quote, Rate
from markets.models.querysets import MID_TABLES
from markets.queries.freshness import OFFICIAL, LatestPublication

# Table B comes weekly: three weeks without the code are no pause. Also the longest step that is still called a change.
RETIRED_AFTER = timedelta(days=21)
POPULAR = ("EUR", "USD", "CHF", "GBP")
TILES = (*POPULAR, GOLD)
MONTH = timedelta(days=30)
COLUMNS = (
    *("table", "effective_date", "price", "scale", "previous", "previous_scale", "previous_date"),
    *("instrument__code", "instrument__kind", "instrument__unit", "instrument__name_pl", "instrument__name_en"),
    *("source__code", "source__name", "source__edition", "source__fallback_for_id"),
)
TROY_OUNCE = Decimal("31.1034768")  # grams


@dataclass(frozen=True, slots=True)
class LatestRate:
    """One instrument. `change` and `percent` are None where there is no recent earlier figure."""

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
        """Everything that is still published."""
        return [*self.currencies, *([self.gold] if self.gold else [])]

    @property
    def tiles(self) -> dict[str, LatestRate | None]:
        """What stands on top, in its order; None where there is no figure."""
        lines = {row.code: row for row in (*self.retired, *self.current)}
        return {code: lines.get(code) for code in TILES}


def board() -> Board:
    """One query: a quote an instrument, of the NBP and what stands in for it, as far as they may be shown."""
    source_group = Q(source__code=OFFICIAL) | Q(source__fallback_for__code=OFFICIAL)
    wanted = Quote.objects.filter(source_group, shown_to(Audience.PAGE), effective_date__isnull=False).only(*COLUMNS)
    return arrange(list(wanted.select_related("instrument", "source").order_by("instrument__code")))


def arrange(quotes: list[Quote]) -> Board:
    days = newest_days(quotes)
    lines = [line(quote, days[quote.table]) for quote in quotes if quote.table in MID_TABLES]
    gold = next((line(quote, days[quote.table]) for quote in quotes if quote.instrument.code == GOLD), None)
    return Board(
        currencies=sorted((row for row in lines if not row.retired), key=popular_first),
        retired=[row for row in lines if row.retired],
        gold=gold,
        newest=newest_table(quotes, days),
        days={table: day for table, day in days.items() if table in MID_TABLES},
    )


def newest_days(quotes: list[Quote]) -> dict[str, date]:
    """The day of the newest table of each letter."""
    days: dict[str, date] = {}
    for quote in quotes:
        if quote.effective_date:
            days[quote.table] = max(quote.effective_date, days.get(quote.table, quote.effective_date))
    return days


def newest_table(quotes: list[Quote], days: dict[str, date]) -> LatestPublication | None:
    """Table A as the page shows it: the official one as soon as one of its figures is."""
    on_top = [row for row in quotes if row.table == "A" and row.effective_date == days["A"]]
    if not on_top:
        return None
    source = min((row.source for row in on_top), key=lambda row: row.fallback_for_id is not None)
    official = source.fallback_for_id is None
    return LatestPublication(days["A"], source.code, source.name, source.edition, official=official)


def popular_first(row: LatestRate) -> tuple[int, str]:
    return (POPULAR.index(row.code) if row.code in POPULAR else len(POPULAR), row.code)


def line(quote: Quote, newest: date) -> LatestRate:
    day = quote.effective_date or newest
    retired = newest - day > RETIRED_AFTER
    value = published(quote.price, quote.scale) or quote.price
    before = None if retired else earlier(quote, day)
    return LatestRate(
        code=quote.instrument.code,
        name=quote.instrument.name,
        unit=unit_of(quote.instrument),
        table=quote.table,
        day=day,
        value=value,
        change=None if before is None else value - before,
        percent=None if before is None else (value / before - 1) * 100,
        retired=retired,
    )


def earlier(quote: Quote, day: date) -> Decimal | None:
    """The figure before, unless so long ago that the difference is not what people call a change."""
    if quote.previous is None or quote.previous_date is None or day - quote.previous_date > RETIRED_AFTER:
        return None
    return published(quote.previous, quote.scale if quote.previous_scale is None else quote.previous_scale)


def unit_of(instrument: Instrument) -> str:
    """`1 USD` for a currency; a metal's own unit."""
    return f"{instrument.unit} {instrument.code}" if instrument.kind == Instrument.Kind.CURRENCY else instrument.unit


def per_many(row: LatestRate) -> tuple[int, Decimal] | None:
    """Small units as the NBP prints them: per 100, or per 10 000, with four decimals at least.

    Told by the published digits: four decimals are per one, up to six per 100, more per 10 000.
    """
    decimals = scale_of(row.value)
    if decimals <= 4:
        return None
    shift = 2 if decimals <= 6 else 4
    return 10**shift, row.value.scaleb(shift).quantize(Decimal(1).scaleb(-max(4, decimals - shift)))


def per_ounce(row: LatestRate) -> Decimal:
    """The price of a gram for a troy ounce, to the grosz."""
    return (row.value * TROY_OUNCE).quantize(Decimal("0.01"), ROUND_HALF_UP)


def last_month(lines: Sequence[LatestRate]) -> dict[str, list[Decimal]]:
    """The figures of the 30 days up to each line's own day, ascending; one query."""
    if not lines:
        return {}
    days = {row.code: row.day for row in lines}
    rows = Rate.objects.filter(instrument__code__in=days, table__in={row.table for row in lines}, mid__isnull=False)
    found: dict[str, list[Decimal]] = {code: [] for code in days}
    since = rows.publishable().filter(effective_date__gt=min(days.values()) - MONTH).order_by("effective_date")
    for code, day, mid in since.values_list("instrument__code", "effective_date", "mid"):
        if mid is not None and days[code] - MONTH < day <= days[code]:
            found[code].append(mid)
    return found
