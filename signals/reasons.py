"""The sentences of single BUY and SELL of candles, by their rows, as a coin's page shows them beside each rule."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, cast

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from markets.models import Candle, Listing
from markets.queries.asked_once import NUMBER, QuestionOf
from signals import crossings, explain_rows
from signals.models import Signal
from signals.rules.rule import Rule


class Turned(NamedTuple):
    """A BUY or SELL, the bar before it, and the close of that bar."""

    pk: int
    rule: str
    timeframe: str
    as_of: datetime
    signal: str
    macd: Decimal | None
    signal_line: Decimal | None
    histogram: Decimal | None
    values: Any
    before: datetime | None
    price: Decimal | None


# How many turns a page asks about at once: one of each rule.
@lru_cache(32)
def question_of(count: int) -> QuestionOf:
    return QuestionOf(lambda *marks: turned(marks), *(NUMBER - place for place in range(count)))


def reasons(pks: Collection[int], rules: Mapping[str, Rule]) -> dict[int, str]:
    """By row, why it was given; rows that may not be shown must not be asked for. One query."""
    found = [Turned(*row) for row in question_of(len(pks)).rows_of(*pks)]
    return {row.pk: sentence(row, rules.get(row.rule)) for row in found}


def turned(pks: Collection[int]) -> "QuerySet[Signal, Any]":
    """The bar before is of the source that the rules read, as `signals.tables` chooses it."""
    there = Candle.objects.filter(
        instrument=OuterRef("instrument"), timeframe=OuterRef(OuterRef("timeframe")), source=OuterRef("source")
    )
    listed = Listing.objects.filter(Exists(there), instrument=OuterRef("instrument"))
    bars = Candle.objects.filter(
        instrument=OuterRef("instrument"),
        timeframe=OuterRef("timeframe"),
        source=OuterRef("source"),
        open_time__lt=OuterRef("as_of"),
        closed=True,
        synthetic=False,
        partial=False,
    ).order_by("-open_time")
    found = (
        Signal.objects.filter(pk__in=pks)
        .order_by()
        .annotate(
            source=Subquery(listed.order_by("priority", "source__code").values("source")[:1]),
            before=Subquery(bars.values("open_time")[:1]),
            price=Subquery(bars.values("close")[:1]),
        )
    )
    return found.values_list(*Turned._fields)


def sentence(row: Turned, rule: Rule | None) -> str:
    scale = max(crossings.decimals(row.price), crossings.decimals(row.values.get("close")))
    # It has every name that the sentence is made of.
    return explain_rows.sentence(rule, cast("Signal", row), row.before, scale)
