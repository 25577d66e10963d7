"""What operators set beside the published figures. No other query reads these rows, and no tax rule does."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import QuerySet

from markets.models import Instrument, Override
from markets.queries.rates import digits

# In the place of a source: no publisher is called so.
MANUAL = "manual"
COLUMNS = (
    *("pk", "instrument__code", "table", "effective_date"),
    *("mid", "bid", "ask", "scale", "author", "reason", "created_at", "withdrawn_at", "withdrawn_by"),
)


def override_rows(rows: QuerySet[Override]) -> Iterator[dict[str, Any]]:
    """As `/overrides` lists them."""
    for pk, code, table, day, mid, bid, ask, scale, *words in rows.values_list(*COLUMNS):
        author, reason, created_at, withdrawn_at, withdrawn_by = words
        yield {
            "id": pk,
            "code": code,
            "table": table,
            "effective_date": day,
            "mid": digits(mid, scale),
            "bid": digits(bid, scale),
            "ask": digits(ask, scale),
            "source": MANUAL,
            "override": {"author": author, "reason": reason, "at": created_at},
            "withdrawn_at": withdrawn_at,
            "withdrawn_by": withdrawn_by or None,
        }


def manual_rates(instrument: Instrument, start: date, end: date, table: str | None = None) -> list[dict[str, Any]]:
    """The standing figures in the shape of a rate, with `override`; ascending by day. One statement.

    They are rows of their own with `source: manual`: whoever shows them shows them beside the published ones.
    """
    rows = Override.objects.filter(instrument=instrument, effective_date__range=(start, end), withdrawn_at=None)
    if table:
        rows = rows.filter(table=table)
    found = []
    for row in override_rows(rows.order_by("effective_date", "table")):
        figures = {name: row[name] for name in ("mid", "bid", "ask")}
        place = {"effective_date": row["effective_date"], **figures, "unit": 1, "source": MANUAL, "table": row["table"]}
        names = {"code": instrument.code, "base": instrument.base, "quote": instrument.quote}
        found.append(names | place | {"table_no": None, "override": row["override"]})
    return found
