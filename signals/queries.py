"""What pages ask about signals: how each instrument stands under the primary rule, and the newest BUY and SELL."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from signals import ledger, rules
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


def signal_states(window: str = "365d") -> dict[str, SignalState]:
    """By code, lowest and highest over the window; one query."""
    rows = AnalysisSnapshot.objects.filter(rule=rules.primary().name, timeframe=DAILY, window=window)
    return {
        code: signal_state(status, stats)
        for code, status, stats in rows.values_list("instrument__code", "status", "stats")
    }


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


def recent(codes: Collection[str], until: date, count: int = 5) -> list[Signal]:
    """The newest BUY and SELL of these instruments that no later version took back; one query.

    A series that goes on turns about once a month: a year back is far enough, and spares reading decades.
    """
    year = midnight(until - timedelta(days=365)), midnight(until)
    rows = ledger.newest_versions(
        rule=rules.primary().name, timeframe=DAILY, signal__in=TURNS, as_of__range=year, instrument__code__in=codes
    )
    return list(rows.select_related("instrument").order_by("-as_of", "-pk")[:count])
