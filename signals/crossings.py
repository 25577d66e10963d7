"""BUY and SELL of all rules as the page lists them: the newest first, each with the sentence that says why.

A page of rows takes three queries, however many it has: the rows, and the bar before each of them.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Case, DateField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast

from markets.licence import Audience
from markets.models import Candle, Instrument, Rate
from markets.queries.candles import listings_with
from signals import explain_rows, ledger, rules, tables
from signals.api_rows import without_closed
from signals.digits import plain
from signals.models import Signal, midnight
from signals.queries import TURNS

FEWEST_DECIMALS = 2


class Before(NamedTuple):
    """The bar before the one that was decided on, and with how many decimals prices are printed."""

    moment: datetime | None
    scale: int


class Crossing(NamedTuple):
    row: Signal
    label: str
    scale: int
    why: str


def wanted(asker: Audience, **columns: Any) -> QuerySet[Signal]:
    """Those that this asker may see, as the API answers them; `columns` of Signal that are None are not asked for."""
    asked = {name: value for name, value in columns.items() if value is not None}
    rows = ledger.newest_versions(**{"signal__in": TURNS} | asked)
    return without_closed(rows, asker).select_related("instrument").order_by("-as_of", "-pk")


def explained(rows: Iterable[Signal]) -> list[Crossing]:
    """Each row with its rule's label and the sentence of `/signals/{id}/explain`."""
    listed = list(rows)
    before, known = bars_before(listed), {rule.name: rule for rule in rules.active()}
    return [crossing(row, before[row.pk], known.get(row.rule)) for row in listed]


def crossing(row: Signal, before: Before, rule: rules.Rule | None) -> Crossing:
    why = explain_rows.sentence(rule, row, before.moment, before.scale)
    return Crossing(row, rule.label if rule else row.rule, before.scale, why)


def bars_before(rows: Iterable[Signal]) -> Mapping[int, Before]:
    official, candles = dict[int, Signal](), dict[int, Signal]()
    for row in rows:
        kind = official if tables.is_official(row.instrument, row.timeframe) else candles
        kind[row.pk] = row
    return (rates_before(official) if official else {}) | (candles_before(candles) if candles else {})


def rates_before(rows: Mapping[int, Signal]) -> dict[int, Before]:
    """Of the table that `tables.official` names."""
    table = Case(When(instrument__kind=Instrument.Kind.METAL, then=Value("gold")), default=Value("A"))
    rates = Rate.objects.filter(instrument=OuterRef("instrument"), table=OuterRef("table"), mid__isnull=False)
    newest_first = rates.order_by("-effective_date")
    found = Signal.objects.filter(pk__in=rows).annotate(
        table=table,
        day=Cast("as_of", DateField()),
        before=Subquery(newest_first.filter(effective_date__lt=OuterRef("day")).values("effective_date")[:1]),
        printed=Subquery(newest_first.filter(effective_date__lte=OuterRef("day")).values("scale")[:1]),
    )
    return {
        pk: Before(midnight(day) if day else None, scale or 0)
        for pk, day, scale in found.values_list("pk", "before", "printed")
    }


def candles_before(rows: Mapping[int, Signal]) -> dict[int, Before]:
    """Of the source that `tables.source_of` names."""
    source = listings_with(OuterRef(OuterRef("timeframe"))).filter(instrument=OuterRef("instrument"))
    bars = Candle.objects.filter(
        instrument=OuterRef("instrument"), timeframe=OuterRef("timeframe"), source=OuterRef("source"),
        open_time__lt=OuterRef("as_of"), closed=True, synthetic=False, partial=False,
    ).order_by("-open_time")  # fmt: skip
    found = Signal.objects.filter(pk__in=rows).annotate(
        source=Subquery(source.order_by("priority", "source__code").values("source")[:1]),
        before=Subquery(bars.values("open_time")[:1]),
        price=Subquery(bars.values("close")[:1]),
    )
    return {
        pk: Before(moment, max(decimals(price), decimals(rows[pk].values.get("close"))))
        for pk, moment, price in found.values_list("pk", "before", "price")
    }


def decimals(price: Any) -> int:
    """As many as it has, read as a float like every close; at least two."""
    return FEWEST_DECIMALS if price is None else max(FEWEST_DECIMALS, len(plain(float(price)).partition(".")[2]))
