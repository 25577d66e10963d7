"""The list of currencies with the latest rate of each and its change."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db import models
from django.db.models import Max

from markets.instruments import redenominations
from markets.licence import Audience, shown_to
from markets.models import Instrument, Quote
from markets.queries.rates import digits

COLUMNS = ("id", "code", "name_pl", "name_en")
QUOTE_COLUMNS = (
    "instrument_id",
    "instrument__code",
    "table",
    "effective_date",
    "price",
    "scale",
    "previous",
    "previous_scale",
    "previous_date",
    "source__code",
)


def currency_rows(
    instruments: models.QuerySet[Instrument], audience: Audience = Audience.API
) -> Iterator[dict[str, Any]]:
    """One row per currency, with nulls where there is no rate or its licence forbids showing it; two queries in all."""
    rows = list(instruments.values_list(*COLUMNS))
    quotes = newest_quotes([row[0] for row in rows], audience)
    for pk, code, name_pl, name_en in rows:
        yield {"code": code, "name_pl": name_pl, "name_en": name_en, "unit": 1} | quotes.get(pk, NO_QUOTE)


def newest_quotes(instruments: list[int], audience: Audience) -> dict[int, dict[str, Any]]:
    """The latest rate by instrument id; of several sources the one with the newest day."""
    quotes = Quote.objects.filter(shown_to(audience), instrument__in=instruments)
    rows = quotes.order_by("effective_date").values_list(*QUOTE_COLUMNS)
    return {instrument: quote_row(*values) for instrument, *values in rows}


def quote_row(
    code: str,
    table: str,
    day: Any,
    price: Any,
    scale: int,
    previous: Any,
    previous_scale: int | None,
    before: Any,
    source: str,
) -> dict[str, Any]:
    """Without a previous rate where that was for another unit."""
    if before is not None and redenominations.crosses(code, before, day):
        previous = before = None
    change = None if previous is None else price - previous
    return {
        "value": digits(price, scale),
        "table": table,
        "effective_date": day,
        "previous": digits(previous, previous_scale or 0),
        "previous_date": before,
        "change": digits(change, max(scale, previous_scale or 0)),
        "source": source,
    }


NO_QUOTE: dict[str, Any] = dict.fromkeys(
    ("value", "table", "effective_date", "previous", "previous_date", "change", "source")
)


def newest_table_a() -> date | None:
    """The day of the newest table A, from the some 200 quotes instead of the whole history."""
    newest: date | None = Quote.objects.filter(table="A").aggregate(newest=Max("effective_date"))["newest"]
    return newest


def quoted_codes() -> list[str]:
    """The codes of all currencies that ever had a rate which may be shown, by code; one query."""
    rows = Quote.objects.filter(shown_to(Audience.PAGE), instrument__kind=Instrument.Kind.CURRENCY)
    return list(rows.order_by("instrument__code").values_list("instrument__code", flat=True).distinct())
