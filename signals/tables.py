"""Which rows the bars of a series are, for web processes too: the engine's frames are made in `signals.series`."""

from markets.models import Instrument, Rate
from markets.models.querysets import RateQuerySet
from markets.queries.candles import listings_with
from signals.kernel import COLUMNS
from signals.models import DAILY, OFFICIAL_KINDS
from signals.rules.rule import OFFICIAL

# Candles: so many absent ones begin a new series.
MOST_ABSENT = 20


def is_official(instrument: Instrument, timeframe: str) -> bool:
    """The bars of a day are official rates for what has some, candles for everything else."""
    return timeframe == DAILY and instrument.kind in OFFICIAL_KINDS


def carries(instrument: Instrument, timeframe: str) -> frozenset[str]:
    """What a rule may need of this series."""
    return frozenset({"close", OFFICIAL}) if is_official(instrument, timeframe) else frozenset(COLUMNS)


def official(instrument: Instrument) -> RateQuerySet[Rate]:
    table = "gold" if instrument.kind == Instrument.Kind.METAL else "A"
    return Rate.objects.filter(instrument=instrument, table=table, mid__isnull=False).order_by("effective_date")


def source_of(instrument: Instrument, timeframe: str) -> int | None:
    """The source with the most urgent listing of those that have such candles: always the same one."""
    rows = listings_with(timeframe).filter(instrument=instrument).order_by("priority", "source__code")
    return rows.values_list("source", flat=True).first()
