"""The instrument that a text means, with its generation: the SQL of both statements is written once a process.

The same as `markets.instruments.find`, which the writer uses as well; Django's own way takes 1.6 ms each time.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from markets.models import Generation, Instrument, Source
from markets.queries.asked_once import TEXTS, PreparedQuestion

FIELDS = tuple(one.attname for one in Instrument._meta.concrete_fields)
SOURCE_FIELDS = tuple(one.attname for one in Source._meta.concrete_fields)


def columns(rows: "QuerySet[Instrument]") -> "QuerySet[Instrument, Any]":
    return rows.values_list(*FIELDS, "generation__number")


BY_CODE = PreparedQuestion(lambda code: columns(Instrument.objects.filter(code=code)), TEXTS[0])
BY_CODES = PreparedQuestion(lambda codes: Instrument.objects.filter(code__in=codes).values_list(*FIELDS), (TEXTS[0],))
SOURCES = PreparedQuestion(lambda code: Source.objects.filter(code=code).values_list(*SOURCE_FIELDS), TEXTS[0])
BY_ALIAS = PreparedQuestion(lambda name: columns(Instrument.objects.filter(aliases__name=name)), TEXTS[0])


def find(text: str) -> Instrument | None:
    """By code or alias, whatever the case: `usd`, `USD/PLN`, `gold`. One statement for a code, two for an alias."""
    if "\0" in text:  # PostgreSQL takes it for a fault of the question
        return None
    wanted = text.strip().upper()
    rows = BY_CODE.rows_of(wanted) or BY_ALIAS.rows_of(wanted)
    return instrument(*rows[0]) if rows else None


def of_codes(codes: Collection[str]) -> list[Instrument]:
    """In any order, without their generations; one statement."""
    rows = BY_CODES.rows_of(list(codes)) if codes else []
    return [Instrument.from_db(connection.alias, FIELDS, row) for row in rows]


def source(code: str) -> Source | None:
    rows = SOURCES.rows_of(code)
    return source_in(rows[0]) if rows else None


def source_in(values: Sequence[Any]) -> Source:
    return Source.from_db(connection.alias, SOURCE_FIELDS, values)


def instrument(*values: Any) -> Instrument:
    """Its generation beside it, as `select_related` has it: the cache compares it without a query of its own."""
    *own, number = values
    found = Instrument.from_db(connection.alias, FIELDS, own)
    found._state.fields_cache["generation"] = None if number is None else Generation(found.pk, number)
    return found
