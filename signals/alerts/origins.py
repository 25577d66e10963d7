"""Whose prices a rule is about: the source that was named, or the one that answers for the asset now."""

from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Min, Q

from markets import clock
from markets.errors import QuestionError
from markets.licence import Audience, refuse
from markets.models import Instrument, Rate, Source
from markets.queries import latest_prices
from markets.queries.latest_prices import LatestPrice, midnight
from markets.queries.rates import OFFICIAL, find_source

DAY_MINUTES = 24 * 60


class Origin(NamedTuple):
    """`official`: one rate a day. Without a source: nobody has said a price yet, and the evaluation will choose."""

    source: Source | None
    official: bool


def origin_of(instrument: Instrument, named: str | None, audience: Audience) -> Origin:
    """The freshest public one unless another is named. What stands in for a source has the figures of that one."""
    asked = find_source(named) if named else None
    if asked is not None:
        refuse(asked, audience)
    row = answering(instrument, asked, audience)
    if row is None:
        if asked is not None and not instrument.listings.filter(source=asked).exists():
            message = f"{asked.code} has no price of {instrument.code}"
            raise QuestionError(message, {"source": asked.code, "asset": instrument.code})
        return Origin(asked, asked is None and instrument.kind in OFFICIAL)
    source = asked if asked and asked.pk == row.source_id else Source.objects.get(pk=row.source_id)
    return Origin(source.fallback_for or source if row.table else source, bool(row.table))


def answering(instrument: Instrument, asked: Source | None, audience: Audience) -> LatestPrice | None:
    """Its newest price at the source that was asked for or what stands in for that, else at the best public one."""
    if asked is None:
        found = latest_prices.newest(Audience.API, [instrument.pk]) or latest_prices.newest(audience, [instrument.pk])
        return found.get(instrument.pk)
    for source in (asked, *asked.fallbacks.order_by("code")):
        if found := latest_prices.newest(audience, [instrument.pk], source):
            return found[instrument.pk]
    return None


def family(source: Source) -> Q:
    """The rows of a source and of what stands in for it."""
    return Q(source=source) | Q(source__fallback_for=source)


def longest_window(instrument: Instrument | None, origin: Origin) -> int:
    """Minutes of history: official rates are kept for ever, single prices for RETENTION_DAYS."""
    if instrument is None or not origin.official:
        return int(settings.RETENTION_DAYS) * DAY_MINUTES
    rates = Rate.objects.filter(instrument=instrument, mid__isnull=False)
    if origin.source is not None:
        rates = rates.filter(family(origin.source))
    first = rates.aggregate(first=Min("effective_date"))["first"]
    return 0 if first is None else (clock.now() - midnight(first)) // timedelta(minutes=1)
