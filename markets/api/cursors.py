"""Cursors of newest-first lists: a place among the rows that new ones do not move, unlike an offset.

A cursor is the order of the last row that was sent. The next page is what comes behind it, found by the index of that
order, however far it lies.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar, cast

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet

from markets.errors import QuestionError

M = TypeVar("M", bound=Model)

LONGEST = 200


def order_of(rows: QuerySet[Any, Any]) -> list[str]:
    """The names of the fields that the rows descend by; the last one is unique."""
    names = [str(name) for name in rows.query.order_by or rows.model._meta.ordering or ()]
    if not names or not all(name.startswith("-") for name in names):
        raise TypeError(f"{rows.model.__name__} does not come newest first: {names}")
    return [name.removeprefix("-") for name in names]


def after(rows: QuerySet[M], cursor: str) -> QuerySet[M]:
    """What comes behind the cursor; raises QuestionError for what is none."""
    return behind(rows, values_of(rows, cursor))


def values_of(rows: QuerySet[M], cursor: str) -> list[Any]:
    """Of the row that the cursor names, in the order of the rows; raises QuestionError."""
    return read(cursor, [field_of(rows, name).to_python for name in order_of(rows)])


def behind(rows: QuerySet[M], values: Sequence[Any]) -> QuerySet[M]:
    names = order_of(rows)
    found = Q(pk__in=[])
    for place, name in enumerate(names):
        same = dict(zip(names[:place], values[:place], strict=True))
        found |= Q(**same, **{f"{name}__lt": values[place]})
    # The first field alone lets the database begin at the place in its index.
    return rows.filter(found, **{f"{names[0]}__lte": values[0]})


def field_of(rows: QuerySet[M], name: str) -> "Field[Any, Any]":
    return cast("Field[Any, Any]", rows.model._meta.pk if name == "pk" else rows.model._meta.get_field(name))


def read(cursor: str, readers: Sequence[Callable[[str], Any]]) -> list[Any]:
    """The values of a cursor, each by its reader; raises QuestionError."""
    fault = QuestionError("The cursor is none of this list; begin without one", {"field": "cursor"})
    if len(cursor) > LONGEST or not cursor.isascii():
        raise fault
    try:
        told = msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[str])
        values = [reader(value) for reader, value in zip(readers, told, strict=True)]
    except (ValueError, ValidationError, msgspec.DecodeError, OverflowError):
        raise fault from None
    if any(isinstance(value, int) and not 0 <= value < 2**63 for value in values):
        raise fault
    if not all(is_storable(value) for value in values if isinstance(value, datetime)):
        raise fault
    return values


def is_storable(moment: datetime) -> bool:
    """Whether it has a zone and is one in UTC as well, where the years 1 and 9999 end hours away."""
    try:
        return moment.tzinfo is not None and bool(moment.astimezone(UTC))
    except OverflowError:
        return False


def of_row(rows: QuerySet[Any, Any], number: int) -> str | None:
    """The cursor of the row at this place, if there is one more behind it: rows are deleted while a page is read.

    The keys of a union are its order themselves.
    """
    ordered = rows if rows.query.combinator else rows.values_list(*order_of(rows))
    found = list(ordered[number : number + 2])
    if len(found) < 2:
        return None
    return of_values(found[0])


def of_values(values: Iterable[Any]) -> str:
    told = [value.isoformat() if isinstance(value, date) else str(value) for value in values]
    return urlsafe_b64encode(msgspec.json.encode(told)).decode().rstrip("=")
