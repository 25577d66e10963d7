"""What is followed on markets, at which sources, and the closes of its newest candles."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q
from django.db.models.expressions import Combinable
from django.utils.translation import get_language

from markets import clock, timeframes
from markets.licence import Audience, shown_to
from markets.models import Alias, Candle, Instrument, Listing, Source

FACTS = ("code", "name", "enabled", "available", "attribution", "licence")


@dataclass(slots=True)
class SourceFacts:
    """What pages say of a source."""

    code: str
    name: str
    enabled: bool
    available: bool
    attribution: str
    licence: str
    is_public: bool


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
    has_candles: bool = False
    sources: list[str] = field(default_factory=list)

    @property
    def is_coin(self) -> bool:
        return self.kind == Instrument.Kind.CRYPTO

    @property
    def is_urgent(self) -> bool:
        return self.priority == Listing.Priority.CRITICAL


def name_column() -> str:
    return "name_en" if get_language() == "en" else "name_pl"


def followed() -> list[Followed]:
    """Sorted by code; one query."""
    rows = Listing.objects.filter(tracked=True).order_by("instrument__code", "priority", "source__code")
    columns = [f"instrument__{name}" for name in ("pk", "code", "kind", "base", "quote", name_column(), "scale")]
    found: dict[int, Followed] = {}
    for pk, code, kind, base, quote, name, scale, priority, source in rows.values_list(
        *columns, "priority", "source__code"
    ):
        one = found.setdefault(pk, Followed(pk, code, kind, base, quote, name, scale, priority))
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


def sources() -> dict[str, SourceFacts]:
    """Every source by its code; one query."""
    rows = Source.objects.annotate(is_public=allowed("")).order_by("code")
    return {row[0]: SourceFacts(*row) for row in rows.values_list(*FACTS, "is_public")}


def allowed(source: str) -> Combinable:
    """Whether pages may show the source at this path."""
    return ExpressionWrapper(shown_to(Audience.PAGE, source), output_field=BooleanField())


def shown(found: Iterable[SourceFacts]) -> list[SourceFacts]:
    """Those whose attribution a page shows."""
    return [one for one in found if one.is_public and one.available]


def asset(text: str) -> tuple[Followed, dict[str, SourceFacts]] | None:
    """What a code or an alias means, in any case, with the sources that list it; one query. None for what nobody knows.

    A code goes before the same word as an alias.
    """
    wanted = text.strip().upper()
    if "\0" in wanted:  # PostgreSQL takes it for a fault of the question
        return None
    named = Q(code=wanted) | Q(pk__in=Alias.objects.filter(name=wanted).values("instrument"))
    columns = ("pk", "code", "kind", "base", "quote", name_column(), "scale", "listings__priority", "has_candles")
    facts = [f"listings__source__{name}" for name in FACTS]
    candles = Exists(Candle.objects.filter(instrument=OuterRef("pk")))
    rows = (
        Instrument.objects.filter(named)
        .annotate(has_candles=candles, is_public=allowed("listings__source"))
        .order_by("listings__priority", "listings__source__code")
    )
    found: dict[str, Followed] = {}
    listed: dict[str, dict[str, SourceFacts]] = {}
    for pk, code, kind, base, quote, name, scale, priority, drawn, *source in rows.values_list(
        *columns, *facts, "is_public"
    ):
        urgent = Listing.Priority.LOW if priority is None else priority
        one = found.setdefault(code, Followed(pk, code, kind, base, quote, name, scale, urgent, drawn))
        if source[0]:
            one.sources.append(source[0])
            listed.setdefault(one.code, {})[source[0]] = SourceFacts(*source)
    best = found.get(wanted) or next(iter(found.values()), None)
    return (best, listed.get(best.code, {})) if best else None
