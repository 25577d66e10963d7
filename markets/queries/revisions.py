"""What was corrected, newest first: by its source, by the official figure over an archive's, beside it by an operator.

The two tables are one list: a union of their keys, which the database sorts and cuts into pages.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import F, IntegerField, Q, QuerySet, Value

from markets.licence import Audience, shown_to
from markets.models import Override, Revision
from markets.queries.overrides import MANUAL, override_rows
from markets.queries.rates import digits

CORRECTION, ARCHIVE_REPLACED, LEFT_OUT = "correction", "archive_replaced", "left_out"
OF_SOURCE, OF_OPERATOR = 0, 1
SIDE = ("mid", "bid", "ask", "scale", "source__code", "number", "sha256")
PLACE = (
    *("pk", "seen_at", "rate", "rate__instrument__code", "rate__table", "rate__effective_date", "job"),
    *("old_source", "new_source"),
)
OLD, NEW = (tuple(f"{side}_{name}" for name in SIDE) for side in ("old", "new"))


class Key(NamedTuple):
    seen_at: datetime
    own: int
    pk: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of a question, things by their keys; days are those of the figure, both inclusive."""

    instrument: int | None = None
    source: int | None = None
    table: str | None = None
    start: date | None = None
    end: date | None = None
    seen_from: datetime | None = None
    behind: Key | None = None


def revisions(wanted: Wanted, asker: Audience = Audience.API) -> QuerySet[Any, Any]:
    """The keys of the list, newest first. `-seen_at, own, -pk` names one row, also for a cursor."""
    published = keys(of_sources(wanted, asker), "seen_at", OF_SOURCE, wanted.behind)
    manual = keys(of_operators(wanted), "created_at", OF_OPERATOR, wanted.behind)
    return published.union(manual, all=True).order_by("-moment", "own", "-pk")


def keys(rows: QuerySet[Any], moment: str, own: int, behind: Key | None) -> QuerySet[Any, Any]:
    if behind is not None:
        later = Q(**{f"{moment}__lt": behind.seen_at})
        rows = rows.filter(later | among_equals(moment, own, behind) if own >= behind.own else later)
    found: QuerySet[Any, Any] = rows.order_by().annotate(moment=F(moment), own=Value(own, IntegerField()))
    return found.values_list("moment", "own", "pk")


def among_equals(moment: str, own: int, behind: Key) -> Q:
    """What comes behind it of the same moment."""
    same = Q(**{moment: behind.seen_at})
    return same & Q(pk__lt=behind.pk) if own == behind.own else same


def of_sources(wanted: Wanted, asker: Audience) -> QuerySet[Revision]:
    """Shown where both values may be: the one before is of its source too."""
    rows = Revision.objects.filter(shown_to(asker, "old_source"), shown_to(asker, "new_source"), notation=False)
    if wanted.source is not None:
        rows = rows.filter(Q(old_source=wanted.source) | Q(new_source=wanted.source))
    return rows.filter(**filters(wanted, "rate__", "seen_at"))


def of_operators(wanted: Wanted) -> QuerySet[Override]:
    """None where a source is asked for: an operator's figure has none."""
    rows = Override.objects.none() if wanted.source is not None else Override.objects.all()
    return rows.filter(**filters(wanted, "", "created_at"))


def filters(wanted: Wanted, path: str, moment: str) -> dict[str, Any]:
    given = {
        f"{path}instrument": wanted.instrument,
        f"{path}table": wanted.table,
        f"{path}effective_date__gte": wanted.start,
        f"{path}effective_date__lte": wanted.end,
        f"{moment}__gte": wanted.seen_from,
    }
    return {name: value for name, value in given.items() if value is not None}


def revision_items(
    page: Iterable[tuple[Any, ...]], read: "Callable[[list[int]], Iterable[dict[str, Any]]] | None" = None
) -> Iterator[dict[str, Any]]:
    """The rows of these keys in their order; two statements more, or one where there is nothing manual.

    `read` brings those of sources, by default with their days and moments as such.
    """
    wanted = [Key(*values) for values in page]
    own = {which: [key.pk for key in wanted if key.own == which] for which in (OF_SOURCE, OF_OPERATOR)}
    found: dict[tuple[int, int], dict[str, Any]] = {}
    if own[OF_SOURCE]:
        found |= {(OF_SOURCE, row["id"]): row for row in (read or items_of)(own[OF_SOURCE])}
    if own[OF_OPERATOR]:
        rows = override_rows(Override.objects.filter(pk__in=own[OF_OPERATOR]).order_by())
        found |= {(OF_OPERATOR, row["id"]): manual_item(row) for row in rows}
    return (found[key.own, key.pk] for key in wanted if (key.own, key.pk) in found)


def items_of(keys: list[int]) -> Iterator[dict[str, Any]]:
    return source_items(Revision.objects.filter(pk__in=keys))


def source_items(rows: QuerySet[Revision]) -> Iterator[dict[str, Any]]:
    for values in rows.order_by().values_list(*PLACE, *OLD, *NEW):
        old, new = values[len(PLACE) :][: len(OLD)], values[-len(NEW) :]
        yield source_item(values[: len(PLACE)], side(*in_digits(old)), side(*in_digits(new)))


def source_item(place: tuple[Any, ...], old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    pk, seen_at, rate, code, table, day, job, old_source, new_source = place
    return {
        "id": pk,
        "kind": kind_of(old_source, new_source, new),
        "seen_at": seen_at,
        "code": code,
        "table": table,
        "effective_date": day,
        "old": old,
        "new": new,
        "rate": rate,
        "job": job,
        "override": None,
        "withdrawn_at": None,
        "provenance": f"/api/v1/provenance/revision/{pk}",
    }


def kind_of(old_source: int, new_source: int, new: dict[str, Any]) -> str:
    if new["mid"] is None and new["bid"] is None:
        return LEFT_OUT
    return CORRECTION if old_source == new_source else ARCHIVE_REPLACED


def in_digits(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """With the decimals that it was published with."""
    mid, bid, ask, scale, *proof = values
    return *(digits(value, scale) for value in (mid, bid, ask)), *proof


def side(mid: str | None, bid: str | None, ask: str | None, source: str, number: str, sha256: str) -> dict[str, Any]:
    """One of the two values, and its proof."""
    figures = {"mid": mid, "bid": bid, "ask": ask}
    return figures | {"source": source, "table_no": number or None, "sha256": sha256 or None}


def manual_item(row: dict[str, Any]) -> dict[str, Any]:
    """Beside what was published: there is no value before it, and nothing was replaced."""
    figures = {name: row[name] for name in ("mid", "bid", "ask")}
    return {
        "id": row["id"],
        "kind": MANUAL,
        "seen_at": row["override"]["at"],
        "code": row["code"],
        "table": row["table"],
        "effective_date": row["effective_date"],
        "old": None,
        "new": figures | {"source": MANUAL, "table_no": None, "sha256": None},
        "rate": None,
        "job": None,
        "override": row["override"],
        "withdrawn_at": row["withdrawn_at"],
        "provenance": f"/api/v1/provenance/override/{row['id']}",
    }
