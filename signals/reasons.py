"""The sentences of single BUY and SELL of candles, by their rows, as a coin's page shows them beside each rule."""

from collections.abc import Collection, Mapping

from django.db.models import Exists, OuterRef, Subquery

from markets.models import Candle, Listing
from signals import crossings, explain_rows
from signals.models import Signal
from signals.rules.rule import Rule


def reasons(pks: Collection[int], rules: Mapping[str, Rule]) -> dict[int, str]:
    """By row, why it was given; rows that may not be shown must not be asked for. One query.

    The bar before is of the source with the most urgent listing that has such candles, as `signals.tables` chooses it.
    """
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
    found = Signal.objects.filter(pk__in=pks).annotate(
        source=Subquery(listed.order_by("priority", "source__code").values("source")[:1]),
        before=Subquery(bars.values("open_time")[:1]),
        price=Subquery(bars.values("close")[:1]),
    )
    return {row.pk: sentence(row, rules.get(row.rule)) for row in found}


def sentence(row: Signal, rule: Rule | None) -> str:
    before, price = getattr(row, "before", None), getattr(row, "price", None)
    scale = max(crossings.decimals(price), crossings.decimals(row.values.get("close")))
    return explain_rows.sentence(rule, row, before, scale)
