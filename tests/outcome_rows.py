"""Panels of the record for tests, as the statistics give them and as they are stored."""

from datetime import UTC, datetime
from typing import Any

from markets.models import Instrument
from signals.outcomes.models import Outcome
from signals.outcomes.panel import Key, Panel, Verdict

MACD = "macd_signal_cross_12_26_9"
FIRST, LAST = datetime(2003, 1, 15, tzinfo=UTC), datetime(2026, 10, 15, tzinfo=UTC)
NOW = datetime(2026, 10, 26, 3, 30, tzinfo=UTC)
# What a panel with enough decisions has.
FIGURES: dict[str, Any] = {
    "n_eff": 201.5, "first": FIRST, "last": LAST, "hit_rate": 0.5125, "hit_low": 0.4421, "hit_high": 0.5788,
    "mean": 0.0042, "median": 0.0031, "worst": -0.0512, "holding": 0.0008, "percentile": 63.25, "net": -0.0194,
    "net_n": 235, "smallest": 0.0061, "sharpe": 0.0125, "deflated": 0.25,
}  # fmt: skip


def panel(code: str = "USD", n: int = 235, says: str = "chance", **more: Any) -> Panel:
    """Of USD, 5 days after a decision, unless said."""
    usual: dict[str, Any] = {"rule": MACD, "timeframe": "1d", "horizon": 5, "live": False}
    key = Key(code=code, **{name: more.pop(name, value) for name, value in usual.items()})
    verdict = Verdict(1.125, more.pop("p", 0.9713), says, more.pop("panels", 474))
    return Panel(key, n, verdict=verdict, **FIGURES | more)


def outcome(instrument: Instrument | None = None, n: int = 235, says: str = "chance", **more: Any) -> Outcome:
    """A stored one; without an instrument of all together."""
    fields = {"family": "official", "rule": MACD, "timeframe": "1d", "horizon": 5, "live": False, "panels": 474}
    fields |= {"t": 1.125, "p": 0.9713, "computed_at": NOW} | FIGURES | more
    return Outcome.objects.create(instrument=instrument, n=n, says=says, **fields)
