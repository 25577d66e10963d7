"""What a page says of where its figures are from: a publication with its moment, names of sources, codes to choose."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from markets.licence import Audience, shown_to
from markets.models import Instrument, Publication, Source

# Whose rates the law knows, and the archive that stands in for them.
OFFICIAL = ("nbp", "nbp_archive", "ecb")


class Fetched(NamedTuple):
    """`known_from` is when it was first here, `fetched_at` when it was last read."""

    source: str
    known_from: datetime | None
    fetched_at: datetime | None


def fetched(numbers: Collection[int]) -> dict[int, Fetched]:
    """By the id of the publication; one statement, none without numbers."""
    if not numbers:
        return {}
    rows = Publication.objects.filter(pk__in=numbers)
    columns = ("pk", "source__name", "first_fetched_at", "fetched_at")
    return {pk: Fetched(*values) for pk, *values in rows.values_list(*columns)}


def attributions(codes: Collection[str] = OFFICIAL) -> list[dict[str, Any]]:
    """`attribution` and `licence` of these sources as far as pages show them, for their footer; one statement."""
    shown = Source.objects.filter(shown_to(Audience.PAGE, ""), available=True, code__in=codes)
    rows = shown.exclude(attribution="").order_by("pk")
    return [dict(row) for row in rows.values("attribution", "licence")]


def currency_codes() -> list[tuple[str, str, str]]:
    """(code, name_pl, name_en) of all currencies, by code; one statement."""
    rows = Instrument.objects.filter(kind=Instrument.Kind.CURRENCY).order_by("code")
    return list(rows.values_list("code", "name_pl", "name_en"))
