"""What pages ask about signals: how each instrument stands under the primary rule, and the newest BUY and SELL."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from markets.licence import Audience
from markets.queries.asked_once import TEXTS, QuestionOf
from signals import rules
from signals.api_rows import closed
from signals.models import DAILY, AnalysisSnapshot, Signal, midnight

TURNS = (Signal.Label.BUY, Signal.Label.SELL)


@dataclass(frozen=True, slots=True)
class SignalState:
    """The newest state of an instrument. `signal` is the decision on its newest bar, `turned` the last BUY or SELL."""

    status: str
    as_of: date | None = None
    signal: str = ""
    turned: str = ""
    turned_on: date | None = None
    bars: int = 0
    warm_up: int = 0
    low: Decimal | None = None
    high: Decimal | None = None


def rule_label() -> str:
    """The primary rule as people call it: `MACD 12/26/9`."""
    return rules.primary().label


def states_of(rule: str, window: str) -> "QuerySet[AnalysisSnapshot, Any]":
    found = AnalysisSnapshot.objects.filter(rule=rule, timeframe=DAILY, window=window)
    rows = found.exclude(instrument__in=closed(Audience.PAGE))
    return rows.values_list("instrument__code", "status", Cast("stats", TextField()))


STATES = QuestionOf(states_of, *TEXTS[:2])


def signal_states(window: str = "365d") -> dict[str, SignalState]:
    """By code, lowest and highest over the window; those that pages may show; one query."""
    rows = STATES.bare_rows_of(rules.primary().name, window)
    return {code: kept_state(status, stats) for code, status, stats in rows}


# A state changes with the figure of its day: 200 instruments of three days.
@lru_cache(1024)
def kept_state(status: str, stats: str) -> SignalState:
    return signal_state(status, json.loads(stats))


def signal_state(status: str, stats: dict[str, Any]) -> SignalState:
    if not stats:
        return SignalState(status)
    return SignalState(
        status=status,
        as_of=date.fromisoformat(stats["as_of"]),
        signal=stats["signal"] or "",
        turned=stats.get("turned", ""),
        turned_on=date.fromisoformat(stats["turned_on"]) if "turned_on" in stats else None,
        bars=stats["bars"],
        warm_up=stats["warm_up"],
        low=Decimal(repr(stats["min"])),
        high=Decimal(repr(stats["max"])),
    )


class Crossing(NamedTuple):
    """A BUY or SELL: its number, the instrument's code and its names, the label, the day of its bar."""

    number: int
    code: str
    name_pl: str
    name_en: str
    signal: str
    day: date


# As `ledger.newest_versions` asks, but in one text.
RECENT = """
SELECT s.id, i.code, i.name_pl, i.name_en, s.signal, s.as_of
FROM signals_signal s JOIN markets_instrument i ON i.id = s.instrument_id
WHERE s.rule = %s AND s.timeframe = '1d' AND s.signal IN ('BUY', 'SELL') AND s.as_of BETWEEN %s AND %s
  AND i.code IN ({codes}) AND i.id NOT IN ({closed})
  AND NOT EXISTS (SELECT 1 FROM signals_signal n WHERE n.instrument_id = s.instrument_id
    AND n.rule = s.rule AND n.timeframe = s.timeframe AND n.as_of = s.as_of AND n.edition > s.edition)
ORDER BY s.as_of DESC, s.id DESC LIMIT %s"""


def recent(codes: Collection[str], until: date, count: int = 5) -> list[Crossing]:
    """The newest BUY and SELL of these instruments that pages may show and no later version took back; one query.

    A series that goes on turns about once a month: a year back is far enough, and spares reading decades.
    """
    adapt = connection.ops.adapt_datetimefield_value
    year = adapt(midnight(until - timedelta(days=365))), adapt(midnight(until))
    hidden, values = closed_text()
    statement = RECENT.format(codes=", ".join(["%s"] * len(codes)), closed=hidden)
    with connection.cursor() as cursor:
        cursor.execute(statement, [rules.primary().name, *year, *codes, *values, count])
        found = cursor.fetchall()
    return [Crossing(number, code, pl, en, label, day_of(as_of)) for number, code, pl, en, label, as_of in found]


@cache
def closed_text() -> tuple[str, tuple[Any, ...]]:
    """Django writes it once a process."""
    return closed(Audience.PAGE).query.sql_with_params()


def day_of(as_of: datetime) -> date:
    """Of a daily bar, dated at 00:00 UTC; SQLite gives back moments in UTC without their zone."""
    return (as_of if as_of.tzinfo is None else as_of.astimezone(UTC)).date()
