"""The newest state of a series under a rule, over windows of 30, 90 and 365 days."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q

from markets import clock
from markets.models import Instrument
from signals import ledger, rules
from signals.models import DAILY, AnalysisSnapshot
from signals.rules.rule import Rule
from signals.state import State

if TYPE_CHECKING:
    import pandas as pd

Status = AnalysisSnapshot.Status
WIDEST = timedelta(days=max(AnalysisSnapshot.WINDOWS))
# Averages nearer to each other than this part of the price are called flat.
FLAT = 0.001


def states(instrument: Instrument, timeframe: str) -> dict[str, State]:
    """Behind the last decided bar, by rule."""
    narrowest = f"{min(AnalysisSnapshot.WINDOWS)}d"
    rows = AnalysisSnapshot.objects.filter(instrument=instrument, timeframe=timeframe, window=narrowest)
    return {name: State.load(state) for name, state in rows.values_list("rule", "state") if state}


def undecided() -> Q:
    """Instruments on whose days one of the rules has not been asked yet: a new rule, or new parameters."""
    found = Q(pk__in=[])
    for rule in rules.active():
        if DAILY in rule.timeframes:
            rows = AnalysisSnapshot.objects.filter(instrument=OuterRef("pk"), rule=rule.name, timeframe=DAILY)
            found |= ~Q(Exists(rows))
    return found


def write(
    instrument: Instrument, rule: Rule, timeframe: str, last: "pd.Series", state: State, closes: "pd.Series"
) -> None:
    """The rows of all windows; `last` is the newest bar with its values, `closes` reach back over the widest one."""
    warm = last["bars"] >= rule.warm_up
    values = {value.name: ledger.number(float(last[value.name])) for value in rule.values if value.title}
    common = {
        "as_of": shown(state.as_of, timeframe),
        "last": float(last["close"]),
        **values,
        **trend_of(values, float(last["close"])),
        "bars": int(last["bars"]),
        "warm_up": rule.warm_up,
        "signal": ledger.LABELS[int(last["decision"])] if warm else None,
        **(newest_decision(instrument, rule, timeframe) if warm else {}),
    }
    windows = {
        days: common | window_stats(closes[closes.index > state.as_of - timedelta(days=days)], days)
        for days in AnalysisSnapshot.WINDOWS
    }
    save(instrument, rule, timeframe, Status.OK if warm else Status.WARMING_UP, windows, state.dump())


def shown(as_of: datetime, timeframe: str) -> str:
    return as_of.date().isoformat() if timeframe == DAILY else as_of.isoformat()


def newest_decision(instrument: Instrument, rule: Rule, timeframe: str) -> dict[str, Any]:
    """The newest BUY or SELL that still stands: its label, its bar and its row."""
    rows = ledger.newest_versions(instrument=instrument, rule=rule.name, timeframe=timeframe)
    newest = rows.exclude(signal=ledger.HOLD).order_by("-as_of").values_list("pk", "as_of", "signal").first()
    if newest is None:
        return {}
    pk, as_of, label = newest
    return {"turned": label, "turned_on": shown(as_of, timeframe), "turned_id": pk}


def window_stats(closes: "pd.Series", days: int) -> dict[str, Any]:
    first, last = float(closes.iloc[0]), float(closes.iloc[-1])
    return {
        "window_days": days,
        "first": first,
        "change": last - first,
        "change_pct": (last / first - 1) * 100,
        "min": float(closes.min()),
        "max": float(closes.max()),
        "mean": float(closes.mean()),
        "points": len(closes),
    }


def trend_of(values: dict[str, float | None], close: float) -> dict[str, str]:
    """Of a rule that has a fast and a slow average."""
    fast, slow = values.get("ema_fast"), values.get("ema_slow")
    return {} if fast is None or slow is None else {"trend": trend(fast, slow, close)}


def trend(fast: float, slow: float, close: float) -> str:
    """up / down: the fast average lies above / below the slow one by more than 0.1 % of the price; else flat."""
    distance = (fast - slow) / close
    return "flat" if abs(distance) <= FLAT else "up" if distance > 0 else "down"


def set_aside(instrument: Instrument, rule: Rule, timeframe: str) -> int:
    """The rule does not apply: the series lacks what it needs, or has no bar (any more). Nor do decisions from when it
    did apply; answers how many were retracted.
    """
    save(instrument, rule, timeframe, Status.NOT_APPLICABLE, {days: {} for days in AnalysisSnapshot.WINDOWS}, {})
    return ledger.retract(instrument, rule, timeframe, ledger.standing(instrument, rule, timeframe))


def save(
    instrument: Instrument,
    rule: Rule,
    timeframe: str,
    status: Status,
    stats: dict[int, dict[str, Any]],
    state: dict[str, Any],
) -> None:
    """Write what changed; a recompute that comes to the same leaves even the time stamp alone."""
    now = clock.now()
    series = {"instrument": instrument, "rule": rule.name, "timeframe": timeframe}
    stored = {row.window: row for row in AnalysisSnapshot.objects.filter(**series)}
    rows = [
        AnalysisSnapshot(**series, window=f"{days}d", status=status, stats=values, state=state, generated_at=now)
        for days, values in stats.items()
    ]
    changed = [
        row
        for row in rows
        if (old := stored.get(row.window)) is None
        or (old.status, old.stats, old.state) != (row.status, row.stats, row.state)
    ]
    AnalysisSnapshot.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["instrument", "rule", "timeframe", "window"],
        update_fields=["status", "stats", "state", "generated_at"],
    )
