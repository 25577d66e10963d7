"""The newest state of a series under a rule: official rates over windows of 30, 90 and 365 days, candles in one row."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from django.db.models import Exists, OuterRef, Q

from markets import clock
from markets.messages import Message
from markets.models import Instrument
from markets.store import bulk
from signals import ledger, rules
from signals.models import DAILY, AnalysisSnapshot
from signals.rules.rule import Rule, Values
from signals.state import State, spoilt

if TYPE_CHECKING:
    import pandas as pd

Status = AnalysisSnapshot.Status
WIDEST = timedelta(days=max(AnalysisSnapshot.WINDOWS))
# Averages nearer to each other than this part of the price are called flat.
FLAT = 0.001
# A rule that failed on a series as a whole reads all of it again: once in this time.
AGAIN = timedelta(hours=1)
TABLE = AnalysisSnapshot._meta.db_table
COLUMNS = {
    "instrument_id": "bigint",
    "rule": "text",
    "timeframe": "text",
    "window": "text",
    "status": "text",
    "stats": "jsonb",
    "state": "jsonb",
    "error": "text",
    "generated_at": "timestamptz",
}
REPLACE = (
    'ON CONFLICT (instrument_id, rule, timeframe, "window") DO UPDATE SET status = excluded.status, '
    "stats = excluded.stats, state = excluded.state, error = excluded.error, generated_at = excluded.generated_at"
)


@dataclass(slots=True)
class Kept:
    """What stands of a series under a rule."""

    status: str
    stats: dict[str, Any] = field(default_factory=dict)
    state: State | None = None
    error: str = ""
    generated_at: datetime | None = None


def states(instrument: Instrument, timeframe: str) -> dict[str, State]:
    """Behind the last decided bar, by rule."""
    rows = kept([instrument.pk], timeframe)[instrument.pk]
    return {rule: one.state for rule, one in rows.items() if one.state is not None}


def kept(instruments: Collection[int], timeframe: str) -> dict[int, dict[str, Kept]]:
    """By instrument and rule, what stands of these series; one query."""
    found: dict[int, dict[str, Kept]] = {pk: {} for pk in instruments}
    rows = AnalysisSnapshot.objects.filter(
        instrument__in=list(instruments), timeframe=timeframe, window__in=AnalysisSnapshot.KEEPERS
    )
    columns = ("instrument_id", "rule", "status", "stats", "state", "error", "generated_at")
    for pk, rule, status, stats, state, error, at in rows.values_list(*columns):
        found[pk][rule] = Kept(status, stats, State.load(state) if state else None, error, at)
    return found


def undecided() -> Q:
    """Instruments on whose days one of the rules has not been asked yet (a new rule, or new parameters), or failed."""
    tried = {"status": Status.FAILED, "generated_at__lt": clock.now() - AGAIN}
    found = Q(pk__in=[])
    for rule in rules.active():
        if DAILY in rule.timeframes:
            rows = AnalysisSnapshot.objects.filter(instrument=OuterRef("pk"), rule=rule.name, timeframe=DAILY)
            found |= ~Q(Exists(rows.exclude(**tried)))
    return found


def failing() -> dict[str, Message | None]:
    """By rule that raised: on which series, ten at most, and the newest error."""
    rows = AnalysisSnapshot.objects.filter(status=Status.FAILED, window__in=AnalysisSnapshot.KEEPERS)
    found: dict[str, list[tuple[str, str]]] = {}
    for rule, code, timeframe, error in rows.order_by("-generated_at", "-pk").values_list(
        "rule", "instrument__code", "timeframe", "error"
    ):
        found.setdefault(rule, []).append((f"{code} {timeframe}", error))
    return {
        rule: Message("about", about=", ".join(sorted(series for series, _ in places[:10])), reason=places[0][1])
        for rule, places in found.items()
    }


def write(
    instrument: Instrument, rule: Rule, timeframe: str, last: "pd.Series", state: State, closes: "pd.Series | None"
) -> None:
    """What stands behind the newest bar `last`; official `closes` reach back over the widest window."""
    turned = newest_decision(instrument, rule, timeframe) if int(last["bars"]) >= rule.warm_up else {}
    status, common = stats_of(rule, timeframe, bar_of(rule, last), state, int(last["decision"]), turned)
    windows = {AnalysisSnapshot.NEWEST: common}
    if closes is not None:
        windows = {
            window_name(days): common | window_stats(closes[closes.index > state.as_of - timedelta(days=days)], days)
            for days in AnalysisSnapshot.WINDOWS
        }
    save(instrument, rule.name, timeframe, status, windows, state.dump())


def bar_of(rule: Rule, last: "pd.Series") -> dict[str, float]:
    """The close and the values of a bar by name, as a vote is asked for."""
    return {name: float(last[name]) for name in ("close", *(value.name for value in rule.values))}


def stats_of(
    rule: Rule, timeframe: str, bar: Values, state: State, decision: int, turned: Mapping[str, Any]
) -> tuple[Status, dict[str, Any]]:
    """Status and statistics of the newest bar, `bar` being its close and values; `turned` names the newest turn."""
    warm = state.bars >= rule.warm_up
    values = {value.name: ledger.number(bar[value.name]) for value in rule.values if value.title}
    return Status.OK if warm else Status.WARMING_UP, {
        "as_of": shown(state.as_of, timeframe),
        "last": bar["close"],
        **values,
        **trend_of(values, bar["close"]),
        "bars": state.bars,
        "warm_up": rule.warm_up,
        "signal": ledger.LABELS[decision] if warm else None,
        "vote": rule.vote(bar) if warm else None,
        **(turned if warm else {}),
    }


def window_name(days: int) -> str:
    return f"{days}d"


def shown(as_of: datetime, timeframe: str) -> str:
    return as_of.date().isoformat() if timeframe == DAILY else as_of.isoformat()


def newest_decision(instrument: Instrument, rule: Rule, timeframe: str) -> dict[str, Any]:
    """The newest BUY or SELL that still stands: its label, its bar and its row."""
    rows = ledger.newest_versions(instrument=instrument, rule=rule.name, timeframe=timeframe)
    newest = rows.exclude(signal=ledger.HOLD).order_by("-as_of").values_list("pk", "as_of", "signal").first()
    return turn(*newest, timeframe) if newest else {}


def turn(pk: int, as_of: datetime, label: str, timeframe: str) -> dict[str, Any]:
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


def set_aside(instrument: Instrument, rule: Rule, timeframe: str, windowed: bool) -> int:
    """The rule does not apply: the series lacks what it needs, or has no bar (any more). Nor do decisions from when it
    did apply; answers how many were retracted.
    """
    save(instrument, rule.name, timeframe, Status.NOT_APPLICABLE, {name: {} for name in windows_of(windowed)}, {})
    return ledger.retract(instrument, rule, timeframe, ledger.standing(instrument, rule, timeframe))


def fail(instrument: Instrument, rule: Rule, timeframe: str, words: str, windowed: bool, onward: bool) -> None:
    """The rule raised. What stood before the bar that it failed on stands on, and is taken up from there; a series that
    was to be computed as a whole is computed as a whole the next time.
    """
    rows = AnalysisSnapshot.objects.filter(instrument=instrument, rule=rule.name, timeframe=timeframe)
    stood = {row.window: row for row in rows}
    stats = {name: stood[name].stats if onward and name in stood else {} for name in windows_of(windowed)}
    state: dict[str, Any] = next((row.state for row in stood.values() if row.state), {})
    save(instrument, rule.name, timeframe, Status.FAILED, stats, state if onward else spoilt(state), words)


def windows_of(windowed: bool) -> list[str]:
    return [window_name(days) for days in AnalysisSnapshot.WINDOWS] if windowed else [AnalysisSnapshot.NEWEST]


def save(
    instrument: Instrument,
    rule: str,
    timeframe: str,
    status: Status,
    stats: Mapping[str, dict[str, Any]],
    state: dict[str, Any],
    error: str = "",
) -> None:
    """Write what changed; a recompute that comes to the same leaves even the time stamp alone, but not that of a
    failure, by which the next try is put off. The first window of `stats` keeps the state.
    """
    stored = {
        row.window: (row.status, row.stats, row.state, row.error)
        for row in AnalysisSnapshot.objects.filter(instrument=instrument, rule=rule, timeframe=timeframe)
    }
    carried: dict[str, dict[str, Any]] = {window: {} for window in stats} | {next(iter(stats)): state}
    replace(
        (instrument.pk, rule, timeframe, window, Kept(status, values, error=error), carried[window])
        for window, values in stats.items()
        if error or stored.get(window) != (status, values, carried[window], error)
    )


def replace(rows: Iterable[tuple[int, str, str, str, Kept, dict[str, Any]]]) -> None:
    """Instrument, rule, timeframe, window, what stands now and the state as it is stored: one statement for all."""
    now, encode = bulk.moment(clock.now()), msgspec.json.encode
    bulk.insert(
        TABLE,
        COLUMNS,
        [
            (*key, str(one.status), encode(one.stats).decode(), encode(state).decode(), one.error, now)
            for *key, one, state in rows
        ],
        REPLACE,
    )
