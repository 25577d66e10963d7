"""The tracked market instruments, their sources and latest prices, as the API lists them."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef

from markets.licence import Audience
from markets.models import Alias, Instrument, Listing
from markets.queries.kept import KeptQuestion
from markets.queries.latest_prices import newest
from markets.queries.prices import percent, plain


def tracked() -> models.QuerySet[Instrument]:
    followed = Listing.objects.filter(instrument=OuterRef("pk"), tracked=True)
    return Instrument.objects.filter(Exists(followed)).order_by("code")


KEYS = KeptQuestion(lambda: tracked().values_list("pk"))


def asset_rows(instruments: models.QuerySet[Instrument], audience: Audience) -> Iterator[dict[str, Any]]:
    """Four queries, however many they are."""
    rows = list(instruments)
    ids = [row.pk for row in rows]
    quotes = newest(audience, ids)
    names, sources = defaultdict(list), defaultdict(list)
    for instrument, name in Alias.objects.filter(instrument__in=ids).values_list("instrument_id", "name"):
        names[instrument].append(name)
    listed = Listing.objects.filter(instrument__in=ids, tracked=True).order_by("priority", "source__code")
    for instrument, code in listed.values_list("instrument_id", "source__code"):
        sources[instrument].append(code)
    for row in rows:
        quote = quotes.get(row.pk)
        yield {
            "symbol": row.code,
            "name": row.name_en,
            "aliases": names[row.pk],
            "sources": sources[row.pk],
            "tracked": bool(sources[row.pk]),
            "last": plain(quote.price, row.scale) if quote else None,
            "change24h": percent(quote.change) if quote else None,
        }
