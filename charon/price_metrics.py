"""Prices as metrics: what the public API answers, and how far two public sources of one thing are apart."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client.metrics_core import Metric

from charon.metric_families import age, gauge
from markets.licence import Audience
from markets.models import Instrument
from markets.queries import latest_prices
from markets.queries.compare import readings

# What was withdrawn long ago has no price.
OLDEST = timedelta(days=30)
LABELS = ("instrument", "source")


def read(now: datetime) -> Iterator[Metric]:
    yield from prices(now)
    yield apart()


def prices(now: datetime) -> Iterator[Metric]:
    """Two statements. Of an official rate the age counts from the begin of its day in UTC."""
    known = latest_prices.newest(Audience.API, list(Instrument.objects.values_list("pk", flat=True)))
    found = sorted((one for one in known.values() if now - one.ts <= OLDEST), key=lambda one: one.code)
    text = "The newest public price of one unit, in the currency in which the instrument is quoted."
    yield gauge("charon_price", text, LABELS, [([one.code, one.source], float(one.price)) for one in found])
    text = "Age of that price."
    yield gauge("charon_price_age_seconds", text, LABELS, [([one.code, one.source], age(one.ts, now)) for one in found])


def apart() -> Metric:
    """Only of pairs that the public may see: with the figure of one source the difference tells that of the other."""
    text = "How much higher the first source of a pair is, in basis points of the second."
    found = readings.newest(Audience.API)
    return gauge("charon_cross_source_bps", text, ["pair"], [([pair], float(bps)) for pair, bps in found.items()])
