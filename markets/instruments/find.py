"""Which instrument a text means: among those that are stored, and among what the sources said that they list."""

import re

from django.db.models import Q, QuerySet

from markets.instruments import names
from markets.models import Instrument, ListedAsset

SEPARATORS = re.compile(r"[/_-]")
CLASS_PREFIX = re.compile(r"[A-Z]:")


def find(text: str) -> Instrument | None:
    """By code or alias, whatever the case: `usd`, `USD/PLN`, `gold`."""
    if "\0" in text:  # PostgreSQL takes it for a fault of the question
        return None
    wanted = text.strip().upper()
    rows = Instrument.objects.select_related("generation")  # the cache compares it: no query of its own
    return rows.filter(code=wanted).first() or rows.filter(aliases__name=wanted).first()


def listed() -> QuerySet[ListedAsset]:
    """What the sources that may be asked list."""
    return ListedAsset.objects.filter(source__enabled=True, source__available=True)


def find_listed(text: str) -> list[ListedAsset]:
    """The lines of all sources that list what the text means: one code, at most one line a source.

    A code (`PEPEUSDT`, `pepe/usdt`) or a ticker of the source goes before a symbol alone (`PEPE`), which means its
    price in dollars, or in the first quote of QUOTES that some source has.
    """
    code = chosen_code(text)
    return list(listed().filter(code=code).select_related("source").order_by("source__code")) if code else []


def chosen_code(text: str) -> str | None:
    wanted = text.strip().upper()
    code = SEPARATORS.sub("", CLASS_PREFIX.sub("", wanted))
    tickers = {text.strip(), wanted, wanted.lower()}
    rows = listed().filter(Q(code=code) | Q(ticker__in=tickers) | Q(base=wanted, quote__in=names.QUOTES))
    ranked = [
        (row.code != code, row.ticker not in tickers, quote_rank(row.quote), row.code)
        for row in rows.only("code", "ticker", "quote")
    ]
    return min(ranked)[-1] if ranked else None


def quote_rank(quote: str) -> int:
    return names.QUOTES.index(quote) if quote in names.QUOTES else len(names.QUOTES)
