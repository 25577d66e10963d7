"""The tables by name; what a table means is written in its module."""

from markets.models.jobs import Ingest, Job
from markets.models.prices import Candle, Quote, Tick
from markets.models.rates import Currency, GoldPrice, Publication, Rate, Revision
from markets.models.sources import Alias, Generation, Instrument, Listing, Source

__all__ = [
    "Alias",
    "Candle",
    "Currency",
    "Generation",
    "GoldPrice",
    "Ingest",
    "Instrument",
    "Job",
    "Listing",
    "Publication",
    "Quote",
    "Rate",
    "Revision",
    "Source",
    "Tick",
]
