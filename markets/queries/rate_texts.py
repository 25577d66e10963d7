"""The published rates of one currency, and gold, as the API answers them: rows of text (`markets.queries.texts`)."""

from datetime import date
from functools import cache
from typing import Any, NamedTuple

from django.db.models import QuerySet

from markets.licence import Audience
from markets.models import Instrument, Rate
from markets.queries import rates
from markets.queries.asked_once import DAYS, NUMBER
from markets.queries.rate_rows import Row, proof_of
from markets.queries.texts import Digits, TextsOf, day_of


class Stretch(NamedTuple):
    """Days of one series, both ends inclusive, for an audience; of one table, or the canonical mid of each day."""

    instrument: Instrument
    start: date
    end: date
    table: str | None
    asker: Audience

    @property
    def values(self) -> tuple[int, date, date]:
        return self.instrument.pk, self.start, self.end


@cache
def question(kind: str, table: str | None, asker: Audience, proof: bool) -> TextsOf:
    """Without `proof` of columns that the index of a series has: the key would be read from 252 rows of the table."""
    figures = [Digits(name) for name in ("mid", "bid", "ask")]
    rest = ("source__code", "table", "publication__number", *(("pk", "publication") if proof else ()))

    def asked(instrument: int, start: date, end: date) -> "QuerySet[Rate, Any]":
        rows = Rate.objects.filter(instrument=instrument).between(start, end)
        return rates.chosen(rows, kind, table, None).publishable(asker)

    return TextsOf(asked, (*figures, day_of("effective_date"), *rest), NUMBER, *DAYS)


def rows(of: Stretch, limit: int, offset: int, *, proof: bool = False) -> list[Row]:
    """A page as `rate_rows.as_they_stand` has it; one statement."""
    code, base, quote = of.instrument.code, of.instrument.base, of.instrument.quote
    found = question(of.instrument.kind, of.table, of.asker, proof)
    lines = found.page(limit, offset, *of.values)
    drawn = [
        {
            "code": code,
            "base": base,
            "quote": quote,
            "effective_date": day,
            "mid": mid,
            "bid": bid,
            "ask": ask,
            "unit": 1,
            "source": source,
            "table": table,
            "table_no": number or None,
        }
        for mid, bid, ask, day, source, table, number, *_keys in lines
    ]
    return [row | proof_of(*line[-2:]) for row, line in zip(drawn, lines, strict=True)] if proof else drawn


def count(of: Stretch) -> int:
    return question(of.instrument.kind, of.table, of.asker, proof=False).count(*of.values)


@cache
def gold_question(asker: Audience) -> TextsOf:
    columns = Digits("mid"), day_of("effective_date"), "source__code"
    return TextsOf(lambda start, end: rates.gold(start, end, None, asker), columns, *DAYS)


def gold_rows(start: date, end: date, asker: Audience, limit: int, offset: int) -> list[Row]:
    """A page as `rates.gold_rows` has it; one statement."""
    lines = gold_question(asker).page(limit, offset, start, end)
    return [{"effective_date": day, "price": price, "unit": "g", "source": source} for price, day, source in lines]


def gold_count(start: date, end: date, asker: Audience) -> int:
    return gold_question(asker).count(start, end)
