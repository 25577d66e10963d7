"""The newest price of each instrument at every source that may be shown, with prices before it at even distances.

Changes and points are reckoned from the newest price, not from the clock: the same rows give the same figures.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from markets import clock
from markets.licence import Audience, shown_to
from markets.models import Instrument, Listing, Publication, Quote, Tick
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


@dataclass(frozen=True, slots=True)
class Steps:
    """So many points before the newest price, one every `step`."""

    step: timedelta
    count: int

    @property
    def names(self) -> list[str]:
        """Of the columns, from the oldest."""
        return [f"step_{number}" for number in range(self.count, 0, -1)]


@dataclass(frozen=True, slots=True)
class SourceQuote:
    """The newest price at one source, `number` of its table if it has one; `points` lead up to it, the oldest first."""

    latest: LatestPrice
    source_name: str
    number: str
    points: tuple[Decimal, ...] = ()

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
    listed = Listing.objects.filter(instrument=OuterRef("instrument"), source=OuterRef("source"))
    tables = Publication.objects.filter(
        source=OuterRef("source"), table=OuterRef("table"), effective_date=OuterRef("effective_date")
    )
    ages = {f"step_{number}": number for number in range(1, steps.count + 1)} if steps else {}
    step = steps.step if steps else DAY
    rows = Quote.objects.filter(shown_to(audience), instrument__in=instruments).annotate(
        priority=Subquery(listed.values("priority")[:1]),
        day_ago=price_before(DAY, HOUR),
        number=Subquery(tables.values("number")[:1]),
        **{name: price_before(step * number, step) for name, number in ages.items()},
    )
    names, now, found = steps.names if steps else [], clock.now(), defaultdict[int, list[SourceQuote]](list)
    for row in rows.values(*QUOTE_COLUMNS, *names, "number", source_name=F("source__name")):
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


def source_quote(row: Mapping[str, Any], names: Sequence[str], now: datetime) -> SourceQuote:
    latest = judged(row, now)
    if latest.change is None and row["day_ago"] is not None and not latest.table:
        latest = replace(latest, change=(row["price"] / row["day_ago"] - 1) * 100)
    points = [row[name] for name in names if row[name] is not None]
    line = (*points, row["price"]) if len(points) >= FEWEST_POINTS else ()
    return SourceQuote(latest, row["source_name"], row["number"] or "", line)
