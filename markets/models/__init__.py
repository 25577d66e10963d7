from markets.models.jobs import Ingest, Job
from markets.models.prices import Quote
from markets.models.rates import Currency, GoldPrice, Publication, Rate, Revision
from markets.models.sources import Alias, Instrument, Source

__all__ = [
    "Alias",
    "Currency",
    "GoldPrice",
    "Ingest",
    "Instrument",
    "Job",
    "Publication",
    "Quote",
    "Rate",
    "Revision",
    "Source",
]
