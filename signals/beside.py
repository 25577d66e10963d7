"""What the ledger has beside a decision: the ones before and after it, what replaced it, and what stands now."""

from typing import NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery

from signals import ledger
from signals.models import Signal

OF_RULE = {name: OuterRef(name) for name in ("instrument", "rule", "timeframe")}


class Beside(NamedTuple):
    """Numbers of decisions of the same rule on the same series; None where there is none.

    `before` and `after` are the nearest BUY or SELL that still stand, `newer` the newest version of the same bar if
    this is not the one, `turned` the label of the newest BUY or SELL (`""` without one).
    """

    before: int | None
    after: int | None
    newer: int | None
    turned: str


def annotated(rows: QuerySet[Signal]) -> QuerySet[Signal]:
    """With the columns that `of` reads, in the same statement."""
    turns = ledger.newest_versions(**OF_RULE).exclude(signal=ledger.HOLD)
    earlier = turns.filter(as_of__lt=OuterRef("as_of")).order_by("-as_of")
    later = turns.filter(as_of__gt=OuterRef("as_of")).order_by("as_of")
    newer = Signal.objects.filter(**ledger.SAME_BAR, version__gt=OuterRef("version")).order_by("-version")
    return rows.annotate(
        beside_before=Subquery(earlier.values("pk")[:1]),
        beside_after=Subquery(later.values("pk")[:1]),
        beside_newer=Subquery(newer.values("pk")[:1]),
        beside_turned=Subquery(turns.order_by("-as_of").values("signal")[:1]),
    )


def of(row: Signal) -> Beside:
    """One statement, unless the row was read by `annotated`."""
    if not hasattr(row, "beside_newer"):
        row = annotated(Signal.objects.filter(pk=row.pk)).get()
    return Beside(row.beside_before, row.beside_after, row.beside_newer, row.beside_turned or "")  # type: ignore[attr-defined]
