"""What is followed on markets, at which sources, and the closes of its newest candles."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import get_language

from markets import clock, timeframes
from markets.licence import Audience, shown_to
from markets.models import Candle, Instrument, Listing, Source


@dataclass(slots=True)
class Followed:
    """`sources` are codes, the most urgent listing first; `priority` is that of the first."""

    pk: int
    code: str
    kind: str
    base: str
    quote: str
    name: str
    scale: int
    priority: int
    sources: list[str] = field(default_factory=list)

    @property
    def is_coin(self) -> bool:
        return self.kind == Instrument.Kind.CRYPTO

    @property
    def is_urgent(self) -> bool:
        return self.priority == Listing.Priority.CRITICAL


def followed(code: str = "") -> list[Followed]:
    """Sorted by code; with a code that instrument alone, followed or not. One query."""
    name = "instrument__name_en" if get_language() == "en" else "instrument__name_pl"
    rows = Listing.objects.filter(instrument__code=code) if code else Listing.objects.filter(tracked=True)
    columns = ("pk", "code", "kind", "base", "quote", "scale")
    listed = rows.order_by("instrument__code", "priority", "source__code").values_list(
        *(f"instrument__{column}" for column in columns), name, "priority", "source__code"
    )
    found: dict[int, Followed] = {}
    for pk, instrument, kind, base, quote, scale, called, priority, source in listed:
        one = found.setdefault(pk, Followed(pk, instrument, kind, base, quote, called, scale, priority))
        one.sources.append(source)
    return list(found.values())


def closes(instruments: Collection[int], timeframe: str, count: int) -> dict[int, list[Decimal]]:
    """Of the newest `count` periods, ascending, at the source whose candles are the newest; one query.

    What may be shown on pages alone; the period that the clock is in begins the next answer.
    """
    seconds = timeframes.SECONDS[timeframe]
    since = timeframes.start_of(clock.now(), seconds) - timedelta(seconds=seconds * count)
    rows = Candle.objects.filter(
        shown_to(Audience.PAGE), instrument__in=instruments, timeframe=timeframe, open_time__gte=since
    ).order_by("open_time")
    found: dict[int, dict[int, list[tuple[datetime, Decimal]]]] = defaultdict(lambda: defaultdict(list))
    for pk, source, moment, close in rows.values_list("instrument_id", "source_id", "open_time", "close"):
        found[pk][source].append((moment, close))
    return {
        pk: [close for _moment, close in max(series.values(), key=lambda one: one[-1][0])]
        for pk, series in found.items()
    }


def sources() -> dict[str, Source]:
    """Every source by its code; one query."""
    return {row.code: row for row in Source.objects.all()}
