"""The newest figure of an instrument and the days before it, for pictures and frames on pages of other people.

A source must allow both: to be shown, and to be given to others. Official figures are read as the pages read them, all
others as the API answers them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _

from markets import clock, formats
from markets.decimals import published
from markets.instruments import redenominations
from markets.licence import Audience, may, shown_to
from markets.models import Candle, Instrument, Publication, Quote, Rate, Source
from markets.models.querysets import MID_TABLES
from markets.queries import candles, latest_prices, overview
from markets.queries.freshness import OFFICIAL
from markets.queries.history import Point
from markets.queries.prices import decimals
from markets.queries.source_state import SeriesFacts, judge_series
from miner.providers import PROVIDERS
from miner.source_states import timetable
from signals.models import DAILY, OFFICIAL_KINDS, midnight

BOTH = shown_to(Audience.PAGE) & shown_to(Audience.API)
OF_NBP = Q(source__code=OFFICIAL) | Q(source__fallback_for__code=OFFICIAL)
TABLES = (*MID_TABLES, "gold")


@dataclass(frozen=True, slots=True)
class Figure:
    """`when` is the day of an official figure and the moment of a market's; `old` says why it is not the newest."""

    instrument: Instrument
    value: Decimal
    percent: Decimal | None
    when: date
    source: Source
    table: str = ""
    old: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One point a day, ascending, the figure itself at the end; `sources` are those of the figure and of the points."""

    points: list[Point]
    sources: tuple[Source, ...]


def newest(instrument: Instrument) -> Figure | None:
    """None for what has no figure that may be shown here; at most three queries."""
    return official(instrument) if instrument.kind in OFFICIAL_KINDS else of_market(instrument)


def official(instrument: Instrument) -> Figure | None:
    quotes = Quote.objects.filter(OF_NBP, BOTH, table__in=TABLES, effective_date__isnull=False)
    own = quotes.filter(instrument=instrument).select_related("instrument", "source")
    quote = own.order_by("-effective_date", "source__code").first()
    if quote is None:
        return None
    newest_day = quotes.filter(table=quote.table).aggregate(day=Max("effective_date"))["day"]
    line = overview.latest_rate(overview.quote_row(quote), newest_day, formats.english())
    old = _("wycofana") if line.retired else _("nieaktualne") if is_missing(quote.table, line.day) else ""
    return Figure(instrument, line.value, line.percent, line.day, quote.source, quote.table, old)


def is_missing(table: str, day: date) -> bool:
    """Whether a newer table of the NBP should be here by now, as the state of the source is judged."""
    series = next(one for one in PROVIDERS[OFFICIAL].series if one.table == table)
    facts = SeriesFacts(f"{OFFICIAL}.{table}", newest=day, timetable=timetable(series))
    return judge_series(facts, clock.now()).is_behind


def of_market(instrument: Instrument) -> Figure | None:
    best = latest_prices.newest(Audience.API, [instrument.pk]).get(instrument.pk)
    if best is None:
        return None
    source = Source.objects.get(pk=best.source_id)
    if not may(source, Audience.PAGE):
        return None
    value = best.price.quantize(Decimal(1).scaleb(-max(best.scale, decimals(best.price))))
    when = best.ts.date() if best.table else best.ts
    old = _("nieaktualne") if best.stale else ""
    return Figure(instrument, value, best.change, when, source, best.table, old)


def number_of(figure: Figure) -> str:
    """The number of the table that the figure stands in; empty where it has none. One query for an official figure."""
    if not figure.table:
        return ""
    of_day = Publication.objects.filter(source=figure.source, table=figure.table, effective_date=figure.when)
    return of_day.values_list("number", flat=True).first() or ""


def series(figure: Figure, days: int) -> Series:
    """The last `days` days up to the figure, in its unit; one query, two for a market."""
    last, code = day_of(figure.when), figure.instrument.code
    since = max(last - timedelta(days=days - 1), redenominations.newest_break(code, last))
    other = None if figure.table else candle_source(figure.instrument)
    found = rates(figure, since) if figure.table else closes(figure.instrument, other, since)
    before = [point for point in found if point.day < last]
    both = dict.fromkeys(filter(None, [figure.source, other]))
    return Series([*before, Point(last, figure.table, figure.value)], tuple(both))


def rates(figure: Figure, since: date) -> Iterator[Point]:
    rows: QuerySet[Rate] = Rate.objects.filter(BOTH, instrument=figure.instrument, mid__isnull=False)
    if figure.instrument.kind in OFFICIAL_KINDS:
        rows = rows.filter(OF_NBP, table__in=TABLES)
    else:
        rows = rows.filter(source=figure.source, table=figure.table)
    found = rows.filter(effective_date__gte=since).order_by("effective_date", "table")
    return one_a_day(found.values_list("effective_date", "table", "mid", "scale"))


def one_a_day(rows: Iterable[tuple[date, str, Decimal | None, int]]) -> Iterator[Point]:
    """Table A before B."""
    newest_day = date.min
    for day, table, mid, scale in rows:
        value = published(mid, scale)
        if day > newest_day and value is not None:
            newest_day = day
            yield Point(day, table, value)


def candle_source(instrument: Instrument) -> Source | None:
    """The source whose daily candles the API would answer with."""
    source = candles.source_of(instrument, DAILY, Audience.API)
    return source if source and may(source, Audience.PAGE) else None


def closes(instrument: Instrument, source: Source | None, since: date) -> Iterator[Point]:
    if source is None:
        return
    of_days = Candle.objects.filter(
        instrument=instrument, source=source, timeframe=DAILY, open_time__gte=midnight(since)
    )
    for opened, close in of_days.order_by("open_time").values_list("open_time", "close"):
        yield Point(opened.date(), "", close)


def day_of(when: date) -> date:
    """Candles are of days in UTC."""
    return when.date() if isinstance(when, datetime) else when
