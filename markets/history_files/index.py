"""What `/history/index.json` says: each closed year of each code, and since when its figures are what they are."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import msgspec
from django.db.models import Count, Max, TextField
from django.db.models.functions import Cast, Substr

from markets.history_files import content, place
from markets.instruments.names import GOLD
from markets.licence import Audience
from markets.models import Rate, Revision
from markets.models.querysets import MID_TABLES
from markets.queries import rates
from markets.redis import generations

COLUMNS = ("code", "year", "rows", "revised_at", "json", "json_sha256", "csv", "csv_sha256")
Line = tuple[Any, ...]


def encoded(lines: Iterable[Line], sources: content.Facts, parquet: dict[str, Any] | None) -> bytes:
    return msgspec.json.encode({"sources": sources, "parquet": parquet, "columns": COLUMNS, "rows": list(lines)})


def address(name: str) -> str:
    return f"/{place.FOLDER}/{name}"


def revised() -> dict[tuple[str, int], datetime]:
    """When a figure of a year was last seen to have been corrected; one statement."""
    rows = Revision.objects.filter(notation=False).exclude(rate__table="C").order_by()
    found = rows.values_list("rate__instrument__code", "rate__effective_date__year").annotate(Max("seen_at"))
    return {(code, year): moment for code, year, moment in found}


def from_tables() -> bytes:
    """The lines where no files are kept: nobody has taken a hash of the years, which are answered from the tables."""
    corrected, known = revised(), {row.code for row in content.instruments()}
    lines = [
        (code, year, days, corrected.get((code, year)), *unhashed(code, year))
        for code, year, days in counted(generations.number_of(generations.ANY), place.last_closed())
        if code in known
    ]
    return encoded(sorted(lines, key=lambda line: line[:2]), sources(), None)


def unhashed(code: str, year: int) -> tuple[str, None, str, None]:
    return address(f"{code}/{year}.json"), None, address(f"{code}/{year}.csv"), None


@lru_cache(1)
def counted(stamp: bytes, newest: int) -> tuple[tuple[str, int, int], ...]:  # noqa: ARG001 - what it was read under
    """Days with a figure: of a currency in table A or B, of gold and of pairs in their own; three statements.

    Of all that was ever published that is a second of a processor, which nobody may ask for as often as they like.
    """
    public = Rate.objects.filter(effective_date__lte=date(newest, 12, 31)).publishable(Audience.API)
    currency, pair = rates.OFFICIAL
    every = (
        public.filter(instrument__kind=currency, table__in=MID_TABLES),
        public.filter(instrument__kind=pair),
        public.filter(instrument__code=GOLD, table="gold"),
    )
    # SQLite would be asked in Python for each year of 395,000 days.
    year = Substr(Cast("effective_date", TextField()), 1, 4)
    found = (
        rows.order_by().values_list("instrument__code", year).annotate(Count("effective_date", distinct=True))
        for rows in every
    )
    return tuple((code, int(of), days) for rows in found for code, of, days in rows)


def sources() -> content.Facts:
    """Those that may be shown and have official figures."""
    return {code: facts for code, facts in content.facts().items() if code in official()}


def official() -> set[str]:
    rows = Rate.objects.publishable(Audience.API).order_by().values_list("source__code", flat=True)
    return set(rows.distinct())
