"""The tables by name; what a table means is written in its module."""

from markets.models.callers import ApiToken, CallerCount, IdempotentAnswer
from markets.models.gaps import Gap
from markets.models.jobs import Job
from markets.models.knowledge import ArchiveReading, Override
from markets.models.outbox import OutboxEvent
from markets.models.prices import Candle, Quote, Tick
from markets.models.problems import Problem
from markets.models.rates import Currency, GoldPrice, Publication, Rate, Revision
from markets.models.sources import Alias, Generation, Instrument, ListedAsset, Listing, Source

__all__ = [
    "Alias",
    "ApiToken",
    "ArchiveReading",
    "CallerCount",
    "Candle",
    "Currency",
    "Gap",
    "Generation",
    "GoldPrice",
    "IdempotentAnswer",
    "Instrument",
    "Job",
    "ListedAsset",
    "Listing",
    "OutboxEvent",
    "Override",
    "Problem",
    "Publication",
    "Quote",
    "Rate",
    "Revision",
    "Source",
    "Tick",
]
