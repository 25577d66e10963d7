"""The newest state of a series under a rule: official rates over windows of 30, 90 and 365 days, candles in one row."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from django.db import connection
from django.db.models import Exists, OuterRef, Q

from markets import clock
from markets.messages import Message
from markets.models import Instrument
from markets.store import bulk
from signals import ledger, rules
from signals.models import DAILY, AnalysisSnapshot
from signals.rules.rule import Rule, Values
from signals.state import State

if TYPE_CHECKING:
    from signals.bars import Bars, DecidedBar, Floats

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
# A derived table, since SQLite takes no LIMIT within a UNION otherwise.
NEWEST_TURN = f"""SELECT * FROM (
    SELECT s.id, s.rule, s.as_of, s.signal FROM {ledger.TABLE} s
    WHERE s.instrument_id = %s AND s.rule = %s AND s.timeframe = %s AND s.signal <> %s AND NOT EXISTS (
        SELECT 1 FROM {ledger.TABLE} n WHERE n.instrument_id = s.instrument_id AND n.rule = s.rule
        AND n.timeframe = s.timeframe AND n.as_of = s.as_of AND n.edition > s.edition)
    ORDER BY s.as_of DESC LIMIT 1) AS turned"""  # nosec B608


@dataclass(slots=True)
class Kept:
    """What stands of a series under a rule."""

    status: str
    stats: dict[str, Any] = field(default_factory=dict)
    state: State | None = None
    error: str = ""
    generated_at: datetime | None = None


class Stored(NamedTuple):
    """A row as the table has it."""

    status: str
    stats: dict[str, Any]
    state: dict[str, Any]
    error: str
    generated_at: datetime | None = None


Windows = dict[str, dict[str, Any]]


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


def stored(instrument: Instrument, timeframe: str) -> dict[str, dict[str, Stored]]:
    """Every row of a series by rule and window, as it stands; one query."""
    found: dict[str, dict[str, Stored]] = defaultdict(dict)
    rows = AnalysisSnapshot.objects.filter(instrument=instrument, timeframe=timeframe)
    for rule, window, *values in rows.values_list("rule", "window", *Stored._fields):
        found[rule][window] = Stored(*values)
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


def windows(
    rule: Rule, timeframe: str, newest: "DecidedBar", state: State, bars: "Bars | None", turned: Mapping[str, Any]
) -> tuple[Status, Windows]:  # fmt: skip
    """What stands behind the newest bar; official `bars` reach back over the widest window."""
    status, common = stats_of(rule, timeframe, bar_of(rule, newest), state, newest.decision, turned)
    if bars is None:
        return status, {AnalysisSnapshot.NEWEST: common}
    until = state.as_of.timestamp()
    starts = {days: until - timedelta(days=days).total_seconds() for days in AnalysisSnapshot.WINDOWS}
    return status, {
        window_name(days): common | window_stats(bars.closes[bars.rows[:, -1] > start], days)
        for days, start in starts.items()
    }


def bar_of(rule: Rule, bar: "DecidedBar") -> dict[str, float]:
    """The close and the values of a bar by name, as a vote is asked for."""
    return {"close": bar.close, **dict(zip((value.name for value in rule.values), bar.values, strict=True))}


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
    return newest_decisions(instrument, [rule.name], timeframe).get(rule.name, {})


def newest_decisions(instrument: Instrument, names: Sequence[str], timeframe: str) -> dict[str, dict[str, Any]]:
    """By rule, of those that have one; a seek in the index for each of them, all in one statement."""
    if not names:
        return {}
    values = [value for name in names for value in (instrument.pk, name, timeframe, ledger.HOLD.value)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([NEWEST_TURN] * len(names)), values)
        found = cursor.fetchall()
    return {rule: turn(pk, moment(as_of), label, timeframe) for pk, rule, as_of, label in found}


def moment(value: datetime) -> datetime:
    """As a plain cursor gives it: SQLite's moments have no zone and are UTC's."""
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def turn(pk: int, as_of: datetime, label: str, timeframe: str) -> dict[str, Any]:
    return {"turned": label, "turned_on": shown(as_of, timeframe), "turned_id": pk}


def window_stats(closes: "Floats", days: int) -> dict[str, Any]:
    first, last = float(closes[0]), float(closes[-1])
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


def windows_of(windowed: bool) -> list[str]:
    return [window_name(days) for days in AnalysisSnapshot.WINDOWS] if windowed else [AnalysisSnapshot.NEWEST]


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
