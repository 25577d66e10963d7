"""What the sources list: whether that is known well enough to say no, and what it has that is spelt alike."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from markets import clock
from markets.instruments.find import listed
from markets.models import Alias, Instrument, Source
from markets.queries.lookup import nearest

# The job asks each day; one that failed once is not a reason to doubt what it said the day before.
FRESH_FOR = timedelta(hours=48)
# Spellings of 17,000 coins are not compared one by one in a request: only those that begin alike.
MOST_COMPARED = 500
BEGINNING = 2


def unasked(now: datetime | None = None, fresh_for: timedelta = FRESH_FOR) -> QuerySet[Source]:
    """Sources that may be asked what they list and have not been for so long."""
    before = (now or clock.now()) - fresh_for
    rows = Source.objects.filter(Q(listed_at=None) | Q(listed_at__lt=before))
    return rows.filter(enabled=True, available=True, has_listing=True).order_by("code")


def nearest_assets(text: str) -> list[str]:
    """Codes that are spelt alike, among all instruments and all that the sources list."""
    names = {code: code for code in Instrument.objects.values_list("code", flat=True)}
    aliases = dict(Alias.objects.values_list("name", "instrument__code"))
    alike = listed().filter(base__startswith=text.strip().upper()[:BEGINNING]).order_by("code")
    offered: dict[str, str] = {}
    for base, code in alike.values_list("base", "code")[:MOST_COMPARED]:
        offered.setdefault(base, code)
        offered[code] = code
    return nearest(text, offered | aliases | names)
