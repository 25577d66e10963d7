"""The rows of one published series as the API returns them: as they stand, as they were known, with what was set beside
them. No model instances: 10,000 would cost a second.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from heapq import merge
from typing import Any

from django.db.models import QuerySet

from markets.models import Instrument, Rate
from markets.queries.known_columns import KnownRate
from markets.queries.overrides import manual_rates
from markets.queries.rates import COLUMNS, digits

Row = dict[str, Any]


def rate_row(
    instrument: Instrument,
    day: date,
    mid: Decimal | None,
    bid: Decimal | None,
    ask: Decimal | None,
    scale: int,
    source: str,
    table: str,
    number: str | None,
) -> Row:
    """After the instrument the columns of `queries.rates.COLUMNS`."""
    return {
        "code": instrument.code,
        "base": instrument.base,
        "quote": instrument.quote,
        "effective_date": day,
        "mid": digits(mid, scale),
        "bid": digits(bid, scale),
        "ask": digits(ask, scale),
        "unit": 1,
        "source": source,
        "table": table,
        "table_no": number or None,
    }


def as_they_stand(rows: QuerySet[Rate], instrument: Instrument, *, proof: bool = False) -> Iterator[Row]:
    """With `proof` each says where it came from."""
    if not proof:
        yield from (rate_row(instrument, *columns) for columns in rows.values_list(*COLUMNS))
        return
    for pk, publication, *columns in rows.values_list("pk", "publication", *COLUMNS):
        yield rate_row(instrument, *columns) | proof_of(pk, publication)


def as_known(
    found: Iterable[tuple[int, str, KnownRate]], instrument: Instrument, *, proof: bool = False
) -> Iterator[Row]:  # fmt: skip
    """Figures of `queries.known`, each with since when its value was known."""
    for rate, _, figure in found:
        row = rate_row(instrument, *figure[:-1]) | {"known_from": figure.known_from}
        yield row | proof_of(rate, None) if proof else row


def with_manual(
    rows: QuerySet[Rate], instrument: Instrument, start: date, end: date, table: str | None, *, proof: bool = False
) -> list[Row]:
    """All of the period; after those of a day what an operator set beside them. Two statements."""
    published = (row | {"override": None} for row in as_they_stand(rows, instrument, proof=proof))
    nothing = proof_of(None, None) if proof else {}
    manual = (row | nothing for row in manual_rates(instrument, start, end, table))
    return list(merge(published, manual, key=lambda row: row["effective_date"]))


def proof_of(rate: int | None, publication: int | None) -> Row:
    """Where a figure came from; nothing of what was computed or set by hand."""
    return {"provenance": address("rate", rate), "publication": address("publication", publication)}


def address(kind: str, number: int | None) -> str | None:
    return f"/api/v1/provenance/{kind}/{number}" if number else None
