"""The newest price of each instrument at every source that may be shown, with prices before it at even distances.

Changes and points are reckoned from the newest price, not from the clock: the same rows give the same figures.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db.models import Max, Min, OuterRef, QuerySet, Subquery

from markets import clock
from markets.licence import Audience, shown_to
from markets.models import Instrument, Listing, Publication, Quote, Tick
from markets.queries.asked_once import NUMBER, QuestionOf
from markets.queries.latest_prices import (
    DAY,
    HOUR,
    LONGEST_PAUSE,
    QUOTE_COLUMNS,
    LatestPrice,
    filled,
    fresh_for,
    judged,
)

# Two points are no line that says anything.
FEWEST_POINTS = 8
SPAN = ("lowest", "highest", "since")
MORE = ("number", "scale", "previous", "source__name", "source__attribution", "source__licence")


@dataclass(frozen=True, slots=True)
class Steps:
    """So many points before the newest price, one every `step`."""

    step: timedelta
    count: int
    with_span: bool = False

    @property
    def names(self) -> list[str]:
        """Of the columns, from the oldest."""
        return [f"step_{number}" for number in range(self.count, 0, -1)]


@dataclass(frozen=True, slots=True)
class SourceQuote:
    """The newest price at one source, `number` of its table if it has one; `points` lead up to it, the oldest first.

    `scale` are the decimals that were published, of a market those that are usual; `previous` is the official rate
    before it. `lowest` and `highest` are of all prices that the steps span, which began `since`.
    """

    latest: LatestPrice
    source_name: str
    number: str
    scale: int
    attribution: str
    licence: str
    points: tuple[Decimal, ...] = ()
    previous: Decimal | None = None
    lowest: Decimal | None = None
    highest: Decimal | None = None
    since: datetime | None = None

    @property
    def fresh_until(self) -> datetime | None:
        """When it turns stale; None where it is so already."""
        latest = self.latest
        allowed = LONGEST_PAUSE if latest.table else fresh_for(latest.polling_interval, end_of_day=latest.end_of_day)
        return None if latest.stale else latest.ts + allowed


def quotes(
    instruments: Collection[int] | QuerySet[Instrument, Any], audience: Audience, steps: Steps | None = None
) -> dict[int, list[SourceQuote]]:
    """By instrument, the source that answers for it first; one query."""
    return arranged(question(instruments, audience, steps).values(*columns(steps)), steps)


def quotes_of_one(instrument: int, audience: Audience, steps: Steps) -> list[SourceQuote]:
    """Of one instrument; one query, whose SQL with its 24 earlier prices took Django 8 ms."""
    names = columns(steps)
    rows = (dict(zip(names, row, strict=True)) for row in question_of_one(audience, steps).rows_of(instrument))
    return arranged(rows, steps).get(instrument, [])


@lru_cache(16)
def question_of_one(audience: Audience, steps: Steps) -> QuestionOf:
    return QuestionOf(lambda mark: question([mark], audience, steps).values_list(*columns(steps)), NUMBER)


def question(
    instruments: Collection[int] | QuerySet[Instrument, Any], audience: Audience, steps: Steps | None
) -> QuerySet[Quote]:
    listed = Listing.objects.filter(instrument=OuterRef("instrument"), source=OuterRef("source"))
    tables = Publication.objects.filter(
        source=OuterRef("source"), table=OuterRef("table"), effective_date=OuterRef("effective_date")
    )
    ages = {f"step_{number}": number for number in range(1, steps.count + 1)} if steps else {}
    step = steps.step if steps else DAY
    return Quote.objects.filter(shown_to(audience), instrument__in=instruments).annotate(
        priority=Subquery(listed.values("priority")[:1]),
        day_ago=price_before(DAY, HOUR),
        number=Subquery(tables.values("number")[:1]),
        **{name: price_before(step * number, step) for name, number in ages.items()},
        **(span(steps) if steps and steps.with_span else {}),
    )


def columns(steps: Steps | None) -> tuple[str, ...]:
    names = steps.names if steps else ()
    return (*QUOTE_COLUMNS, *names, *MORE, *(SPAN if steps and steps.with_span else ()))


def arranged(rows: Iterable[Mapping[str, Any]], steps: Steps | None) -> dict[int, list[SourceQuote]]:
    names, now, found = steps.names if steps else [], clock.now(), defaultdict[int, list[SourceQuote]](list)
    for row in rows:
        found[row["instrument_id"]].append(source_quote(row, names, now))
    return {pk: in_order(ranked) for pk, ranked in found.items()}


def in_order(ranked: list[SourceQuote]) -> list[SourceQuote]:
    """The one that answers first; what its source does not say comes from the next one, as in the API."""
    first, *others = sorted(ranked, key=lambda one: one.latest.rank)
    return [replace(first, latest=filled([first.latest, *(one.latest for one in others)])), *others]


def price_before(age: timedelta, stretch: timedelta) -> Subquery:
    """The newest price that was so old when the newest one came, and not older by more than the stretch."""
    moment = OuterRef("observed_at")
    ticks = Tick.objects.filter(
        instrument=OuterRef("instrument"),
        source=OuterRef("source"),
        observed_at__lte=moment - age,
        observed_at__gt=moment - (age + stretch),
    )
    return Subquery(ticks.order_by("-observed_at").values("price")[:1])


def span(steps: Steps) -> dict[str, Subquery]:
    """The lowest and the highest price of all that the steps reach over, and when the first of them came."""
    moment = OuterRef("observed_at")
    ticks = Tick.objects.filter(
        instrument=OuterRef("instrument"),
        source=OuterRef("source"),
        observed_at__lte=moment,
        observed_at__gt=moment - steps.step * steps.count,
    ).order_by()
    return {
        name: Subquery(ticks.values("instrument").annotate(found=found).values("found"))
        for name, found in (("lowest", Min("price")), ("highest", Max("price")), ("since", Min("observed_at")))
    }


def source_quote(row: Mapping[str, Any], names: Sequence[str], now: datetime) -> SourceQuote:
    latest = judged(row, now)
    if latest.change is None and row["day_ago"] is not None and not latest.table:
        latest = replace(latest, change=(row["price"] / row["day_ago"] - 1) * 100)
    points = [row[name] for name in names if row[name] is not None]
    line = (*points, row["price"]) if len(points) >= FEWEST_POINTS else ()
    scale = row["scale"] if latest.table else latest.scale
    return SourceQuote(
        latest,
        row["source__name"],
        row["number"] or "",
        scale,
        row["source__attribution"],
        row["source__licence"],
        line,
        previous=row["previous"] if latest.table else None,
        lowest=row.get("lowest"),
        highest=row.get("highest"),
        since=row.get("since"),
    )
