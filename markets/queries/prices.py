"""Prices of an instrument over time, what they come to, and the rows that answers show."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from typing import Any

from django.db.models import F, Max, Min, Q, QuerySet
from django.db.models.functions import TruncDay

from markets import clock
from markets.errors import QuestionError, UnknownCodeError
from markets.instruments import redenominations
from markets.licence import Audience, refuse
from markets.models import Instrument, Rate, Tick
from markets.queries.asked_once import DAYS, MOMENTS, NUMBERS, TEXTS, Mark, PreparedQuestion
from markets.queries.found import find
from markets.queries.latest_prices import LatestPrice, midnight, newest
from markets.queries.listed import nearest_assets
from markets.queries.rates import find_source
from markets.queries.texts import AllDigits, Moment, TextsOf, midnight_of

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST = timedelta(days=366)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Prices of one instrument over time, and who said them; `asked` of the `values` are rows of (moment or day,
    price), ascending.
    """

    source: str | None
    scale: int
    asked: "Callable[..., QuerySet[Any, Any]]"
    values: tuple[Any, ...]

    @property
    def rows(self) -> "QuerySet[Any, Any]":
        return self.asked(*self.values)


def window(text: str) -> timedelta:
    """`30m`, `24h`, `7d`."""
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    length = int(found[1]) * UNITS[found[2]] if found else timedelta(0)
    if not found or not timedelta(0) < length <= LONGEST:
        message = f"window {text!r} is no length of time from 1m to {LONGEST.days}d; write 30m, 24h or 7d"
        raise QuestionError(message, {"window": text, "examples": ["30m", "24h", "7d"]})
    return length


def find_asset(text: str) -> Instrument:
    """By code or alias; what nobody knows comes back with its neighbours."""
    instrument = find(text)
    if instrument is None:
        raise UnknownCodeError(f"There is no asset {text!r}", {"nearest": nearest_assets(text)})
    return instrument


def series(instrument: Instrument, length: timedelta, audience: Audience, source: str | None = None) -> PriceSeries:
    """The prices of the last stretch of time, of the source that answers or of the one that was asked for.

    Behind a redenomination they begin with it: what they come to is of one unit.
    """
    named = find_source(source) if source else None
    if named is not None:
        refuse(named, audience)
    chosen = newest(audience, [instrument.pk], named).get(instrument.pk)
    if chosen is None:
        return PriceSeries(named.code if named else None, 0, ticks, ())
    since = max(clock.now() - length, midnight(redenominations.newest_break(instrument.code, clock.today())))
    if chosen.table:
        return PriceSeries(
            chosen.source, chosen.scale, mids, (instrument.pk, chosen.source_id, chosen.table, since.date())
        )
    return PriceSeries(chosen.source, chosen.scale, *unmixed(instrument.pk, chosen.source_id, since))


def mids(instrument: int, source: int, table: str, since: date) -> "QuerySet[Rate, Any]":
    rows = Rate.objects.filter(instrument=instrument, source=source, table=table)
    shown = rows.filter(mid__isnull=False, effective_date__gte=since)
    return shown.order_by("effective_date").values_list("effective_date", "mid")


def ticks(*after: Any) -> "QuerySet[Tick, Any]":
    """Of an instrument and a source after a moment."""
    names = ("instrument", "source", "observed_at__gt")
    rows = Tick.objects.filter(**dict(zip(names, after, strict=True))) if after else Tick.objects.none()
    return rows.order_by("observed_at").values_list("observed_at", "price")


def picked_ticks(
    instrument: int, source: int, since: datetime, until: datetime, picked: Sequence[datetime]
) -> "QuerySet[Tick, Any]":
    """Those before a moment, and the picked ones behind it."""
    return ticks(instrument, source, since).filter(Q(observed_at__lt=until) | Q(observed_at__in=picked))


MARKS: dict[Any, tuple[Mark, ...]] = {
    mids: (*NUMBERS[:2], TEXTS[0], DAYS[0]),
    ticks: (*NUMBERS[:2], MOMENTS[0]),
    picked_ticks: (*NUMBERS[:2], *MOMENTS[:2], (MOMENTS[2],)),
}
FIRST = PreparedQuestion(lambda *marks: ticks(*marks).values_list("observed_at")[:1], *MARKS[ticks])


def unmixed(*after: Any) -> tuple["Callable[..., QuerySet[Tick, Any]]", tuple[Any, ...]]:
    """Where a window begins with the midnight closes of a back-fill: one price a day and the newest; else every tick.

    Beside closes of 29 days, the polls of one morning would be nine tenths of all prices and of their mean. A single
    close before the polls is left out.
    """
    found = FIRST.rows_of(*after)
    if not found or found[0][0] != midnight(found[0][0].date()):
        return ticks, after
    [(first,)], rows = found, ticks(*after)
    daily = rows.annotate(day=TruncDay("observed_at", tzinfo=UTC))
    polled = daily.exclude(observed_at=F("day")).values_list("observed_at", flat=True).first()
    if polled is None or polled - first <= HOUR:
        return ticks, after
    if rows.filter(observed_at__lt=polled).count() == 1:
        return ticks, (*after[:2], polled - timedelta(microseconds=1))
    polls = daily.filter(observed_at__gte=polled)
    picked = polls.order_by().values("day").annotate(first=Min("observed_at")).values_list("first", flat=True)
    newest = polls.aggregate(newest=Max("observed_at"))["newest"]
    return picked_ticks, (*after, polled, sorted({*picked, newest}))


def points(found: PriceSeries, limit: int) -> tuple[list[dict[str, Any]], int]:
    """The newest `limit` of the series as text, ascending, and how many there are."""
    if not found.values:
        return [], 0
    question = texts(found.asked, found.scale)
    lines = question.page(limit, 0, *found.values)
    total = len(lines) if len(lines) < limit else question.count(*found.values)
    return [{"ts": when, "price": price} for when, price in reversed(lines)], total


@cache
def texts(asked: "Callable[..., QuerySet[Any, Any]]", scale: int) -> TextsOf:
    """Newest first."""
    of_ticks, of_mids = (Moment("observed_at"), "price"), (midnight_of("effective_date"), "mid")
    moment, figure = of_mids if asked is mids else of_ticks
    return TextsOf(lambda *given: asked(*given).reverse(), (moment, AllDigits(figure, scale)), *MARKS[asked])


def every_point(found: PriceSeries, first: int | None = None) -> Iterator[dict[str, Any]]:
    """The first ones, or the whole series as it is read; ascending."""
    rows = found.rows[:first] if first else found.rows.iterator(chunk_size=1_000)
    return (point(found, *row) for row in rows)


def point(found: PriceSeries, when: date, price: Decimal) -> dict[str, Any]:
    return {"ts": moment_of(when), "price": plain(price, found.scale)}


def moment_of(when: date) -> datetime:
    return when if isinstance(when, datetime) else midnight(when)


def summary(found: PriceSeries) -> dict[str, Any]:
    """Over every price of the series, however many they are; the mean is exact, with the digits of the finest price."""
    rows = found.rows.values_list("price" if found.asked is not mids else "mid", flat=True)
    prices = list(rows.iterator(chunk_size=5_000))
    if not prices:
        return {"points": 0} | dict.fromkeys(("first", "last", "min", "max", "avg"))
    scale = max(found.scale, max(decimals(price) for price in prices))
    with localcontext(prec=50):
        mean = (sum(prices, Decimal(0)) / len(prices)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    named = {"first": prices[0], "last": prices[-1], "min": min(prices), "max": max(prices)}
    shown = {name: plain(value, found.scale) for name, value in named.items()}
    return {"points": len(prices)} | shown | {"avg": f"{mean:f}"}


def latest_rows(rows: Collection[LatestPrice]) -> Iterator[dict[str, Any]]:
    for row in rows:
        both = row.bid is not None and row.ask is not None
        yield {
            "asset": row.code,
            "price": plain(row.price, row.scale),
            "bid": plain(row.bid, row.scale),
            "ask": plain(row.ask, row.scale),
            "spread": plain(row.ask - row.bid, row.scale) if both and row.ask and row.bid else None,
            "change24h": percent(row.change),
            **{f"daily_{name}": plain(getattr(row, name), row.scale) for name in ("open", "high", "low", "close")},
            "daily_volume": plain(row.volume, 0) if row.high is not None else None,
            "ts": row.ts,
            "source": row.source,
            "filled_from": row.filled_from,
            "stale": row.stale,
            "end_of_day": row.end_of_day,
        }


def decimals(value: Decimal) -> int:
    """How many a market's price needs: it is stored without the zeros it was written with."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def plain(value: Decimal | None, least: int) -> str | None:
    """All its digits, and as many decimals as are usual for the instrument."""
    return None if value is None else f"{value:.{max(least, decimals(value))}f}"


def percent(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.quantize(Decimal('0.0001'), ROUND_HALF_UP):f}"
