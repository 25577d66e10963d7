"""The newest and the previous mid of each instrument, kept so that an overview never searches the series."""

from collections import defaultdict
from datetime import date
from typing import Any

from django.db.models import OuterRef, Subquery

from markets import clock
from markets.models import Instrument, Quote, Rate

COLUMNS = (
    "source_id",
    "table",
    "effective_date",
    "price",
    "scale",
    "previous",
    "previous_scale",
    "previous_date",
    "observed_at",
)


def refresh(days: dict[int, list[date]], family: set[int]) -> dict[int, Quote]:
    """Look again where the new mids reach as far as a quote does. Answers the quotes as they stood before."""
    before = {row.instrument_id: row for row in Quote.objects.filter(instrument__in=days, source__in=family)}
    stale = [
        instrument
        for instrument, written in days.items()
        if (quote := before.get(instrument)) is None
        or quote.previous_date is None
        or max(written) >= quote.previous_date
    ]
    if stale:
        write(newest_and_previous(stale, family), family)
    return before


def newest_and_previous(instruments: list[int], family: set[int]) -> list[tuple[Any, ...]]:
    """(instrument, then the columns of a quote but the last) for each instrument that has a mid."""
    mids = Rate.objects.filter(source__in=family, mid__isnull=False).latest_first()
    newest = Subquery(mids.filter(instrument=OuterRef("pk")).values("pk")[:1])
    chosen = Instrument.objects.filter(pk__in=instruments).annotate(newest=newest).values("newest")
    earlier = mids.filter(instrument=OuterRef("instrument"), effective_date__lt=OuterRef("effective_date"))
    return list(
        Rate.objects.filter(pk__in=chosen)
        .annotate(
            previous=Subquery(earlier.values("mid")[:1]),
            previous_scale=Subquery(earlier.values("scale")[:1]),
            previous_date=Subquery(earlier.values("effective_date")[:1]),
        )
        .values_list(
            "instrument_id",
            "source_id",
            "table",
            "effective_date",
            "mid",
            "scale",
            "previous",
            "previous_scale",
            "previous_date",
        )
    )


def write(rows: list[tuple[Any, ...]], family: set[int]) -> None:
    """One quote an instrument and family: an archive's goes when an official one takes its place."""
    now = clock.now()
    quotes = [Quote(instrument_id=row[0], **dict(zip(COLUMNS, (*row[1:], now), strict=True))) for row in rows]
    by_source: dict[int, list[int]] = defaultdict(list)
    for quote in quotes:
        by_source[quote.source_id].append(quote.instrument_id)
    for source, instruments in by_source.items():
        Quote.objects.filter(instrument__in=instruments, source__in=family - {source}).delete()
    Quote.objects.bulk_create(
        quotes,
        update_conflicts=True,
        unique_fields=["instrument", "source"],
        update_fields=[name for name in COLUMNS if name != "source_id"],
    )
