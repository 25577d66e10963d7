"""One instrument: series, indicators, rule, rows. The same figures give the same rows, in one go or bar by bar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from django.conf import settings
from django.db import transaction

from markets import clock
from markets.models import Instrument
from markets.redis import response_cache
from signals import indicators, rules, series
from signals.models import AnalysisSnapshot, Signal, midnight
from signals.rules import HOLD, LABELS, MacdCross

Status = AnalysisSnapshot.Status
# A code that was away for longer (it left table A and came back) begins a new series, with its own warm-up.
LONGEST_GAP = timedelta(days=30)
PLACES = Decimal(1).scaleb(-10)
# Averages nearer to each other than this part of the price are called flat.
FLAT = 0.001


@dataclass(slots=True)
class State:
    """What the next bar needs, and when live decisions began (the day of the first run)."""

    day: date
    live_since: date
    sign: int
    averages: tuple[float, float, float, float]

    def dump(self) -> dict[str, Any]:
        return {
            "day": self.day.isoformat(),
            "live_since": self.live_since.isoformat(),
            "sign": self.sign,
            "averages": list(self.averages),
        }

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "State":
        fast, slow, signal, bars = stored["averages"]
        return cls(
            date.fromisoformat(stored["day"]),
            date.fromisoformat(stored["live_since"]),
            stored["sign"],
            (fast, slow, signal, bars),
        )


def decide(instrument: Instrument, rule: MacdCross, since: date | None = None) -> int:
    """Bring the decisions of one instrument up to its figures; answers how many rows were written.

    `since` is the first day that changed; None means all of them. Days after the last decided one cost one step each,
    anything earlier a recompute of the whole series. All in one transaction.
    """
    with transaction.atomic():
        # No full lock: a writer's commit checks keys that refer to the instrument, and it may hold what we want next.
        Instrument.objects.select_for_update(no_key=True).get(pk=instrument.pk)
        response_cache.changed([instrument.pk])
        snapshot = AnalysisSnapshot.objects.filter(instrument=instrument, rule=rule.name).first()
        before = State.load(snapshot.state) if snapshot and snapshot.state else None
        onward = before is not None and since is not None and since > before.day
        closes = series.closes(instrument, after=before.day if before and onward else None)
        if closes.empty:
            return 0 if onward else set_aside(instrument, rule, snapshot)
        frame, state = follow(closes, rule, before if onward else None)
        state.live_since = before.live_since if before else clock.today()
        written = write_signals(instrument, rule, frame, state, whole=not onward)
        write_snapshots(instrument, rule, frame.iloc[-1], state)
        return written


def follow(closes: pd.Series, rule: MacdCross, before: State | None) -> tuple[pd.DataFrame, State]:
    """The rule over closes that come after `before` (None: from the beginning): a row a bar, and the state behind them.

    Columns: close, ema_fast, ema_slow, macd, signal_line, histogram, previous, bars, crossing (1, 0, -1).
    """
    averages, sign, frames = (before.averages, before.sign, []) if before else (indicators.FRESH, 0, [])
    for part in unbroken(closes, before.day if before else None):
        if part.fresh:
            averages, sign = indicators.FRESH, 0
        macd = indicators.macd(part.closes.to_numpy(), rule.spans, averages)
        crossings, sign = rules.crossings(macd.histogram, sign)
        earlier = averages[0] - averages[1] - averages[2] if averages[3] else np.nan
        frames.append(
            pd.DataFrame(
                {
                    "close": part.closes.to_numpy(),
                    "ema_fast": macd.fast,
                    "ema_slow": macd.slow,
                    "macd": macd.line,
                    "signal_line": macd.signal,
                    "histogram": macd.histogram,
                    "previous": np.concatenate(([earlier], macd.histogram[:-1])),
                    "bars": macd.bars,
                    "crossing": crossings,
                },
                index=part.closes.index,
            )
        )
        fast, slow, signal, bars = macd.state.tolist()
        averages = (fast, slow, signal, bars)
    frame = pd.concat(frames) if len(frames) > 1 else frames[0]
    day = frame.index[-1]
    return frame, State(day, day, sign, averages)


@dataclass(slots=True)
class Part:
    closes: pd.Series
    fresh: bool


def unbroken(closes: pd.Series, before: date | None) -> list[Part]:
    """The series cut where it was away for too long; the first part is fresh unless it follows `before` closely."""
    days = list(closes.index)
    breaks = [number for number, (a, b) in enumerate(pairwise(days), 1) if b - a > LONGEST_GAP]
    marks = [0, *breaks, len(days)]
    first_fresh = before is None or days[0] - before > LONGEST_GAP
    return [Part(closes.iloc[a:b], first_fresh or a > 0) for a, b in pairwise(marks)]


def write_signals(instrument: Instrument, rule: MacdCross, frame: pd.DataFrame, state: State, whole: bool) -> int:
    """History keeps its turns and its newest bar; bars from the first run on keep every decision; a corrected bar whose
    decision changed gets a new edition, and so does a turn whose bar has left the series.
    """
    decided = frame[frame["bars"] >= rule.warm_up]
    known = newest_versions(instrument, rule, None if whole else frame.index[0])
    now = clock.now()
    rows = [
        signal_of(instrument, rule, bar, state, version=known.get(bar.Index, (0, ""))[0] + 1, now=now)
        for bar in bars(decided)
        if keeps(known.get(bar.Index), LABELS[bar.crossing], bar.Index >= state.live_since or bar.Index == state.day)
    ]
    Signal.objects.bulk_create(rows, batch_size=500)
    return len(rows) + retract(instrument, rule, {day: row for day, row in known.items() if day not in decided.index})


def retract(instrument: Instrument, rule: MacdCross, gone: dict[date, tuple[int, str]]) -> int:
    """A turn whose bar is none of the daily series any more (it went to table B) becomes a HOLD without values."""
    now = clock.now()
    rows = [
        Signal(
            instrument=instrument,
            rule=rule.name,
            timeframe=rule.timeframe,
            as_of=midnight(day),
            signal=HOLD,
            macd=0,
            signal_line=0,
            histogram=0,
            values={"withdrawn": True},
            horizon_days=settings.SIGNAL_HORIZON_DAYS,
            version=version + 1,
            generated_at=now,
        )
        for day, (version, label) in gone.items()
        if label != HOLD
    ]
    Signal.objects.bulk_create(rows, batch_size=500)
    return len(rows)


def keeps(known: tuple[int, str] | None, label: Signal.Label, recent: bool) -> bool:
    """Whether this bar gets a row: a changed decision always, a new one when it is a turn or recent."""
    return known[1] != label if known else label != HOLD or recent


def bars(frame: pd.DataFrame) -> Iterator[Any]:
    """Named tuples of the columns, `Index` being the day."""
    return frame.itertuples()


def newest_versions(instrument: Instrument, rule: MacdCross, start: date | None) -> dict[date, tuple[int, str]]:
    """Edition and label of the newest row of each decided bar, from `start` on."""
    rows = Signal.objects.filter(instrument=instrument, rule=rule.name, timeframe=rule.timeframe).order_by("version")
    if start is not None:
        rows = rows.filter(as_of__gte=midnight(start))
    return {as_of.date(): (version, label) for as_of, version, label in rows.values_list("as_of", "version", "signal")}


def signal_of(instrument: Instrument, rule: MacdCross, row: Any, state: State, version: int, now: datetime) -> Signal:
    return Signal(
        instrument=instrument,
        rule=rule.name,
        timeframe=rule.timeframe,
        as_of=midnight(row.Index),
        signal=LABELS[row.crossing],
        macd=decimal(row.macd),
        signal_line=decimal(row.signal_line),
        histogram=decimal(row.histogram),
        values={
            "close": row.close,
            "ema_fast": row.ema_fast,
            "ema_slow": row.ema_slow,
            "previous_histogram": None if np.isnan(row.previous) else row.previous,
            "bars": int(row.bars),
        },
        horizon_days=settings.SIGNAL_HORIZON_DAYS,
        version=version,
        backtested=row.Index < state.live_since,
        generated_at=now,
    )


def write_snapshots(instrument: Instrument, rule: MacdCross, last: Any, state: State) -> None:
    """The rows of 30, 90 and 365 days, all or none."""
    widest = max(AnalysisSnapshot.WINDOWS)
    recent = series.closes(instrument, after=state.day - timedelta(days=widest))
    warm = last["bars"] >= rule.warm_up
    decision = newest_decision(instrument, rule) if warm else {}
    common = {
        "as_of": state.day.isoformat(),
        "last": last["close"],
        "ema_fast": last["ema_fast"],
        "ema_slow": last["ema_slow"],
        "macd": last["macd"],
        "signal_line": last["signal_line"],
        "histogram": last["histogram"],
        "trend": trend(last["ema_fast"], last["ema_slow"], last["close"]),
        "bars": int(last["bars"]),
        "warm_up": rule.warm_up,
        "signal": LABELS[int(last["crossing"])] if warm else None,
        **decision,
    }
    status = Status.OK if warm else Status.WARMING_UP
    save(
        instrument,
        rule,
        status,
        {days: common | window_stats(recent[recent.index > state.day - timedelta(days=days)], days)
         for days in AnalysisSnapshot.WINDOWS},
        state.dump(),
    )  # fmt: skip


def newest_decision(instrument: Instrument, rule: MacdCross) -> dict[str, Any]:
    """The newest BUY or SELL that still stands: its label, its day and its row."""
    rows = Signal.objects.filter(instrument=instrument, rule=rule.name).order_by("-as_of", "-version")
    seen = set()
    for pk, as_of, label in rows.values_list("pk", "as_of", "signal").iterator(chunk_size=50):
        if as_of not in seen and label != HOLD:
            return {"turned": label, "turned_on": as_of.date().isoformat(), "turned_id": pk}
        seen.add(as_of)
    return {}


def window_stats(closes: pd.Series, days: int) -> dict[str, Any]:
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


def trend(fast: float, slow: float, close: float) -> str:
    """up / down: the fast average lies above / below the slow one by more than 0.1 % of the price; else flat."""
    distance = (fast - slow) / close
    return "flat" if abs(distance) <= FLAT else "up" if distance > 0 else "down"


def set_aside(instrument: Instrument, rule: MacdCross, snapshot: AnalysisSnapshot | None) -> int:
    """A code without a single daily figure: the rule does not apply, nor do decisions from when it had some."""
    if snapshot is None or snapshot.status != Status.NOT_APPLICABLE:
        save(instrument, rule, Status.NOT_APPLICABLE, {days: {} for days in AnalysisSnapshot.WINDOWS}, {})
    return retract(instrument, rule, newest_versions(instrument, rule, None))


def save(
    instrument: Instrument, rule: MacdCross, status: Status, stats: dict[int, dict[str, Any]], state: dict[str, Any]
) -> None:
    """Write what changed; a recompute that comes to the same leaves even the time stamp alone."""
    now = clock.now()
    stored = {row.window: row for row in AnalysisSnapshot.objects.filter(instrument=instrument, rule=rule.name)}
    fields = ["status", "stats", "state", "generated_at"]
    rows = [
        AnalysisSnapshot(instrument=instrument, rule=rule.name, window=f"{days}d", status=status, stats=values,
                         state=state, generated_at=now)
        for days, values in stats.items()
    ]  # fmt: skip
    changed = [
        row
        for row in rows
        if (old := stored.get(row.window)) is None
        or (old.status, old.stats, old.state) != (row.status, row.stats, row.state)
    ]
    AnalysisSnapshot.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["instrument", "rule", "window"], update_fields=fields
    )


def decimal(value: float) -> Decimal:
    """A computed value as it is stored: ten decimals."""
    return Decimal(repr(value)).quantize(PLACES)
