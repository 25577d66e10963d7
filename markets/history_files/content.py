"""What a file of a closed year holds: the figures that the API answers, of one instrument, byte for byte the same.

JSON has the field names once and a short array a day; CSV has the same columns. A year is closed when it ended thirty
days ago: by then its source has published and corrected what it will, as a rule (docs/history-files.md).
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from django.db.models import Q, QuerySet

from markets.history_files.place import FACTS
from markets.instruments.names import GOLD
from markets.models import Instrument, Source
from markets.queries import rates

COLUMNS = ("effective_date", "mid", "source", "table", "table_no")
# Gold has a price and no mid (`/gold`).
GOLD_COLUMNS = ("effective_date", "price", "source", "table", "table_no")
# The name of a folder: no code of an official series has other signs.
CODE = re.compile(r"[A-Z0-9]{2,20}")


class Day(NamedTuple):
    """One row, in the order of the columns; `day` and `figure` as they are written."""

    day: str
    figure: str | None
    source: str
    table: str
    number: str | None


Facts = dict[str, dict[str, Any]]


def instruments() -> list[Instrument]:
    """Everything that has an official series, by its code."""
    rows = Instrument.objects.filter(Q(kind__in=rates.OFFICIAL) | Q(code=GOLD)).order_by("code")
    return [row for row in rows if CODE.fullmatch(row.code)]


def facts() -> Facts:
    """What is said of each source, as `expand=source` says it."""
    return {row["code"]: dict(row) for row in Source.objects.values(*FACTS)}


def days(instrument: Instrument, first: date, last: date) -> list[Day]:
    """The figures that `/rates?code=` and `/gold` answer in public, one statement."""
    found: QuerySet[Any]
    found = rates.gold(first, last) if instrument.code == GOLD else rates.rates(instrument, first, last)
    return [
        Day(day.isoformat(), rates.digits(mid, scale), source, table, number or None)
        for day, mid, _bid, _ask, scale, source, table, number in found.values_list(*rates.COLUMNS)
    ]


def of_year(instrument: Instrument, year: int) -> list[Day]:
    return days(instrument, date(year, 1, 1), date(year, 12, 31))


def by_year(rows: Iterable[Day]) -> dict[int, list[Day]]:
    return {int(year): list(found) for year, found in groupby(rows, lambda row: row.day[:4])}


def names(instrument: Instrument) -> tuple[str, ...]:
    return GOLD_COLUMNS if instrument.code == GOLD else COLUMNS


def as_json(instrument: Instrument, year: int, rows: Sequence[Day], known: Facts) -> bytes:
    """One object; `sources` are those of its rows, with what is to be printed beside their figures."""
    told = sorted({row.source for row in rows})
    head = {
        "code": instrument.code,
        "base": instrument.base,
        "quote": instrument.quote,
        "unit": "g" if instrument.code == GOLD else 1,
        "year": year,
        "sources": [known[code] for code in told],
        "columns": names(instrument),
    }
    return msgspec.json.encode(head | {"rows": rows})


def as_csv(instrument: Instrument, rows: Sequence[Day]) -> bytes:
    """A line of names and a line a day, like `format=csv`: no cell of it is one that a spreadsheet would run."""
    into = io.StringIO(newline="")
    lines = csv.writer(into, lineterminator="\n")
    lines.writerow(names(instrument))
    lines.writerows(rows)
    return into.getvalue().encode()


def files(instrument: Instrument, year: int, rows: Sequence[Day], known: Facts) -> dict[str, bytes]:
    """The bytes of the year by their ending."""
    return {"json": as_json(instrument, year, rows, known), "csv": as_csv(instrument, rows)}
