"""The newest alert of each instrument, for lists of instruments."""

from collections.abc import Collection
from typing import Any

from django.db.models import OuterRef, Subquery

from markets.licence import Audience
from markets.models import Instrument
from signals.alerts import rows


def newest(instruments: Collection[int], asker: Audience, columns: Collection[str]) -> dict[int, dict[str, Any]]:
    """By instrument, these columns of its newest event that may be shown; one query."""
    own = rows.events(asker).filter(instrument=OuterRef("pk")).values("pk")[:1]
    found = Instrument.objects.filter(pk__in=instruments).annotate(event=Subquery(own))
    events = rows.events(asker).filter(pk__in=found.filter(event__isnull=False).values("event"))
    return {event["instrument"]: event for event in events.values("instrument", *columns)}
