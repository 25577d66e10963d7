"""Queries for official rates and gold over time, shared by the pages and the API."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import models

from markets import clock
from markets.decimals import published
from markets.errors import QuestionError, UnknownCodeError
from markets.instruments.names import GOLD
from markets.licence import Audience, refuse
from markets.models import Alias, Instrument, Rate, Source
from markets.models.querysets import RateQuerySet
from markets.queries.found import find
from markets.queries.found import source as source_of_code
from markets.queries.lookup import nearest

# The kinds that banks publish rates of; coins and ounces of metal only have market prices.
OFFICIAL = (Instrument.Kind.CURRENCY, Instrument.Kind.PAIR)
# The longest range that the NBP's API answers in one request.
DEFAULT_DAYS = 93

COLUMNS = ("effective_date", "mid", "bid", "ask", "scale", "source__code", "table", "publication__number")
GOLD_COLUMNS = ("effective_date", "mid", "scale", "source__code")


def period(start: date | None, end: date | None) -> tuple[date, date]:
    """The range, both days inclusive; by default it ends today in Warsaw and has 93 days. Raises QuestionError."""
    last = end or clock.today()
    first = start or date.fromordinal(max(1, last.toordinal() - DEFAULT_DAYS + 1))
    if first > last:
        raise QuestionError(f"from ({first}) is later than to ({last})", {"from": first, "to": last})
    return first, last


def find_currency(text: str) -> Instrument:
    """The currency or pair by code or alias; raises UnknownCodeError with the most similar codes."""
    instrument = find(text)
    return official(instrument, text)


def official(instrument: Instrument | None, text: str) -> Instrument:
    """The same instrument, if banks publish rates of it; raises UnknownCodeError."""
    if instrument is None:
        raise UnknownCodeError(f"There is no currency {text!r}", {"nearest": nearest_currencies(text)})
    if instrument.code == GOLD:
        message = f"{instrument.code} is not a currency: the price of gold is at /gold"
        raise UnknownCodeError(message, {"nearest": [], "see": "/api/v1/gold"})
    if instrument.kind not in OFFICIAL:
        message = f"{instrument.code} has no official rate: its price is at /prices/latest"
        raise UnknownCodeError(message, {"nearest": [], "see": f"/api/v1/prices/latest?asset={instrument.code}"})
    return instrument


def nearest_currencies(text: str) -> list[str]:
    return nearest(text, spellings())


def spellings() -> dict[str, str]:
    """Two statements: the code of each name and alias that has official rates."""
    priced = Instrument.objects.filter(kind__in=OFFICIAL)
    names = {code: code for code in priced.values_list("code", flat=True)}
    aliases = Alias.objects.filter(instrument__kind__in=OFFICIAL).values_list("name", "instrument__code")
    return dict(aliases) | names


def find_source(code: str) -> Source:
    """By its code or one of its other names, in any case."""
    name = code.lower()
    source = source_of_code(name) or source_once_called(name)
    if source is None:
        codes = Source.objects.values_list("code", flat=True)
        raise UnknownCodeError(f"There is no source {code!r}", {"nearest": nearest(code, {row: row for row in codes})})
    return source


def source_once_called(name: str) -> Source | None:
    """A dozen rows: neither database searches a JSON list the same way."""
    return next((row for row in Source.objects.all() if name in row.other_names), None)


def of_source(rows: RateQuerySet[Rate], code: str | None, audience: Audience) -> RateQuerySet[Rate]:
    """The rows that the audience may see, of one source if a code is given; raises NotPublicError."""
    if code is None:
        return rows.publishable(audience)
    source = find_source(code)
    refuse(source, audience)
    return rows.filter(source=source)


def rates(
    instrument: Instrument,
    start: date,
    end: date,
    table: str | None = None,
    source: str | None = None,
    audience: Audience = Audience.API,
) -> RateQuerySet[Rate]:
    """One mid per day, or the rates of one table; ascending.

    For a currency it is the NBP's canonical mid, unless another source is given; for a pair the publisher's mid.
    """
    rows = Rate.objects.filter(instrument=instrument).between(start, end)
    return of_source(chosen(rows, instrument.kind, table, source), source, audience)


def chosen(rows: RateQuerySet[Rate], kind: str, table: str | None, source: str | None) -> RateQuerySet[Rate]:
    """Of each day the one figure that answers: every question of rates comes through here."""
    if table:
        return rows.of_table(table)
    if kind == Instrument.Kind.CURRENCY and (source is None or publishes_mids(source)):
        return rows.canonical()
    return rows


def publishes_mids(source: str) -> bool:
    """Whether the source publishes tables A and B, of which one mid per day is canonical: the NBP and its archive."""
    row = find_source(source)
    return row.fallback_for_id is not None or row.fallbacks.exists()


def gold(start: date, end: date, source: str | None = None, audience: Audience = Audience.API) -> RateQuerySet[Rate]:
    rows = Rate.objects.filter(instrument__code=GOLD).of_table("gold").between(start, end)
    return of_source(rows, source, audience)


def gold_rows(rows: models.QuerySet[Rate]) -> Iterator[dict[str, Any]]:
    for day, mid, scale, source in rows.values_list(*GOLD_COLUMNS):
        yield {"effective_date": day, "price": digits(mid, scale), "unit": "g", "source": source}


def digits(value: Decimal | None, scale: int) -> str | None:
    """The digits as published, without an exponent: str(Decimal) writes small numbers as 1E-7."""
    return None if value is None else f"{published(value, scale):f}"
