"""Everything that an installation holds and that must not depend on what happened to it, as countable rows."""

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from math import isclose
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.db.models import Model, Q

from markets.models import Candle, Gap, Publication, Rate, Revision
from signals.models import AnalysisSnapshot, Signal
from tests.chaos.world import BEGINS

# What differs between two sound installations: row ids, jobs, the moments at which something was seen or done, how
# many bars there were then, and in which copy of a table (whole, or with figures left out) a correction stood.
LEFT_OUT = {
    "id", "job", "turned_id", "fetched_at", "first_fetched_at", "seen_at", "generated_at", "live_since", "backtested",
    "next_try", "tries", "bars", "row", "state", "old_sha256", "new_sha256",
}  # fmt: skip
# How two rows name the same thing on two databases.
NAMES = {
    "source": ("source__code",),
    "instrument": ("instrument__code",),
    "publication": ("publication__source__code", "publication__table", "publication__effective_date"),
    "rate": ("rate__source__code", "rate__instrument__code", "rate__table", "rate__effective_date"),
    "old_source": ("old_source__code",),
    "new_source": ("new_source__code",),
    "accepted_by": (),
}
# Candles older than the first hours of the range move in and out with the minute of the first question.
EVERY = Q()
CANDLES = (BEGINS - timedelta(days=28), BEGINS - timedelta(hours=4))
# The columns that say which row it is; all others are what it says.
KEYS = {
    "source__code", "instrument__code", "table", "effective_date", "rate__source__code", "rate__instrument__code",
    "rate__table", "rate__effective_date", "timeframe", "open_time", "rule", "as_of", "window", "from_time", "reason",
}  # fmt: skip
Row = tuple[str, ...]
ABOUT = "~"  # before every float
Rows = Counter[tuple[Row, Row]]


class Difference(NamedTuple):
    """Keys that are gone, keys that stand twice, and keys that say something else (or that only we have)."""

    rows: int
    lost: list[str]
    doubled: list[str]
    unequal: list[str]

    @property
    def is_none(self) -> bool:
        return not (self.lost or self.doubled or self.unequal)


def columns(model: type[Model]) -> list[str]:
    fields = [field.name for field in model._meta.concrete_fields if field.name not in LEFT_OUT]
    return [path for field in fields for path in NAMES.get(field, (field,))]


def text(value: Any) -> str:
    """A figure by its value, a float marked as one, an address without the replica's port."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, float):
        return f"{ABOUT}{value!r}"
    return urlsplit(value).path if isinstance(value, str) and value.startswith("http://") else str(value)


def split(names: list[str], row: tuple[Any, ...]) -> tuple[Row, Row]:
    """The key and the rest; JSON becomes a column for each of its names."""
    key: list[str] = []
    rest: list[str] = []
    for name, value in zip(names, row, strict=True):
        if isinstance(value, dict):
            rest += [f"{part}={text(one)}" for part, one in sorted(value.items()) if part not in LEFT_OUT]
        else:
            (key if name in KEYS else rest).append(text(value))
    return tuple(key), tuple(rest)


def same(right: Row, found: Row) -> bool:
    return len(right) == len(found) and all(map(alike, right, found))


def alike(right: str, found: str) -> bool:
    """Equal; of what is computed in floats the tenth decimal may depend on how many bars there were at first."""
    (name, mark, first), (other, _, second) = right.partition(ABOUT), found.partition(ABOUT)
    return right == found or (bool(mark) and name == other and isclose(float(first), float(second), abs_tol=1e-9))


def rows(model: type[Model], which: Q = EVERY, without: frozenset[str] = frozenset()) -> Rows:
    names = [name for name in columns(model) if name not in without]
    found = model._default_manager.filter(which).order_by().values_list(*names)
    return Counter(split(names, row) for row in found.iterator())


def newest_signals() -> Rows:
    """What the newest version of each decision says, without the figures behind it.

    They are those that were known when it was decided: a decision that a corrected or late figure does not change gets
    no new version. What they are now stands in the snapshots. A HOLD is stored only for a bar that was the newest
    one at some time, which depends on the processes that were alive: HOLDs count on the last bar of a series alone.
    """
    newest: dict[Row, tuple[datetime, str]] = {}
    last: dict[Row, datetime] = {}
    names = ("instrument__code", "rule", "timeframe", "as_of", "signal")
    for *series, as_of, label in Signal.objects.order_by("version").values_list(*names):
        newest[*series, str(as_of)] = as_of, label
        last[tuple(series)] = max(last.get(tuple(series), as_of), as_of)
    return Counter(
        (key, (label,))
        for key, (as_of, label) in newest.items()
        if label != Signal.Label.HOLD or as_of == last[key[:3]]
    )


def publications() -> Rows:
    """Address and hash are those of the file that was read first; the ECB has the same day in three of them."""
    is_ecb = Q(source__code="ecb")
    return rows(Publication, ~is_ecb) + rows(Publication, is_ecb, frozenset({"url", "sha256"}))


TABLES: dict[str, Callable[[], Rows]] = {
    "rates": lambda: rows(Rate, ~Q(source__code="nbp_archive")),
    "archive figures": lambda: rows(Rate, Q(source__code="nbp_archive")),
    "publications": publications,
    "revisions": lambda: rows(Revision),
    "candles": lambda: rows(Candle, Q(source__code="binance", open_time__range=CANDLES)),
    "gaps": lambda: rows(Gap),
    "signals": newest_signals,
    "snapshots": lambda: rows(AnalysisSnapshot, Q(instrument__kind__in=["currency", "metal", "pair"])),
}


def everything() -> dict[str, Rows]:
    return {name: table() for name, table in TABLES.items()}


def compare(right: Rows, found: Rows) -> Difference:
    wanted, there = by_key(right), by_key(found)
    return Difference(
        rows=sum(right.values()),
        lost=sorted(name(key) for key in wanted.keys() - there.keys()),
        doubled=sorted(f"{name(key)}: {values}" for key, values in there.items() if len(values) > 1),
        unequal=sorted(
            f"{name(key)}: {wanted.get(key, ['absent'])[0]} is {values[0]}"
            for key, values in there.items()
            if len(values) == 1 and not (key in wanted and same(wanted[key][0], values[0]))
        ),
    )


def by_key(found: Rows) -> dict[Row, list[Row]]:
    grouped: dict[Row, list[Row]] = {}
    for key, value in found.elements():
        grouped.setdefault(key, []).append(value)
    return grouped


def name(key: Row) -> str:
    return " ".join(key)


def stamps() -> dict[int, str]:
    """Every row of Signal by its id, as a hash: a row that is written twice has another one."""
    names = [field.attname for field in Signal._meta.concrete_fields if field.name != "id"]
    return {
        row[0]: hashlib.sha256(repr(row[1:]).encode()).hexdigest() for row in Signal.objects.values_list("id", *names)
    }
