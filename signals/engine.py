"""One series through every rule that applies to it. The same bars give the same rows, in one go or bar by bar."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pandas as pd
from django.db import transaction
from numpy.typing import NDArray

from markets import clock
from markets.models import Instrument
from markets.redis import generations
from signals import ledger, rules, series, snapshots
from signals.models import DAILY, midnight
from signals.rules.rule import OFFICIAL, Row, Rule
from signals.state import State


def decide(instrument: Instrument, timeframe: str = DAILY, since: date | datetime | None = None) -> int:
    """Bring the decisions of every rule on one series up to its bars; answers how many rows were written.

    `since` is the first day or moment that changed; None means all of them. Bars after the last decided one cost one
    step each, anything earlier a recompute of the whole series. All in one transaction.
    """
    asked = [rule for rule in rules.active() if timeframe in rule.timeframes]
    if not asked:
        return 0
    with transaction.atomic():
        # No full lock: a writer's commit checks keys that refer to the instrument, and it may hold what we want next.
        Instrument.objects.select_for_update(no_key=True).get(pk=instrument.pk)
        generations.changed([instrument.pk])
        carried = series.carries(instrument, timeframe)
        applied = [rule for rule in asked if rule.needs <= carried]
        written = sum(snapshots.set_aside(instrument, rule, timeframe) for rule in asked if rule not in applied)
        return written + advance(instrument, applied, timeframe, since)


def advance(instrument: Instrument, applied: list[Rule], timeframe: str, since: date | datetime | None) -> int:
    """The series is read once, from as far back as one of the rules or a window needs it."""
    states = snapshots.states(instrument, timeframe)
    onward = {
        name: state
        for name, state in states.items()
        if since is not None and moment(since) > state.as_of and not series.mixes_units(instrument, timeframe, state)
    }
    reach = [onward[rule.name].as_of for rule in applied if rule.name in onward]
    after = min(reach) - snapshots.WIDEST if applied and len(reach) == len(applied) else None
    bars = series.load(instrument, timeframe, after) if applied else pd.DataFrame()
    return sum(bring_up(instrument, rule, timeframe, bars, states, rule.name in onward) for rule in applied)


def moment(since: date | datetime) -> datetime:
    return since.astimezone(UTC) if isinstance(since, datetime) else midnight(since)


def bring_up(
    instrument: Instrument,
    rule: Rule,
    timeframe: str,
    bars: pd.DataFrame,
    states: Mapping[str, State],
    onward: bool,
) -> int:
    """One rule over what is new to it, or over everything."""
    before = states.get(rule.name)
    bars = usable(bars, rule)
    if onward and before and (bars.empty or bars.index[-1] <= before.as_of):
        return 0
    if bars.empty:
        return snapshots.set_aside(instrument, rule, timeframe)
    frame, state = follow(bars, rule, before if onward else None)
    state.live_since = before.live_since if before else clock.today()
    written = ledger.write(instrument, rule, timeframe, frame, state, whole=not onward)
    closes = series.of_newest_unit(bars["close"], instrument.code)
    snapshots.write(instrument, rule, timeframe, frame.iloc[-1], state, closes)
    return written


def usable(bars: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Without the bars of which a needed number is none (NaN, infinite): they move no state and decide nothing."""
    needed = sorted(rule.needs - {OFFICIAL})
    good: NDArray[np.bool_] = np.isfinite(bars[needed].to_numpy()).all(axis=1)
    return bars[good]


def follow(bars: pd.DataFrame, rule: Rule, before: State | None) -> tuple[pd.DataFrame, State]:
    """The rule over the bars that come after `before` (None: from the beginning), and the state behind the last one.

    Columns: close, the rule's values, bars (their number in an unbroken series), decision (1, 0, -1).
    """
    parts = bars["part"].to_numpy()
    first = int(bars.index.searchsorted(before.as_of, side="right")) if before else 0
    breaks = np.flatnonzero(np.diff(parts)) + 1
    edges = [first, *(int(place) for place in breaks if place > first), len(bars)]
    row, count = (before.row, before.bars) if before else (rule.initial, 0)
    frames = []
    for start, end in pairwise(edges):
        if start == 0 or parts[start] != parts[start - 1]:
            row, count = rule.initial, 0
        frame, row = unbroken(bars.iloc[start:end], rule, row, count)
        count += len(frame)
        frames.append(frame)
    frame = pd.concat(frames) if len(frames) > 1 else frames[0]
    newest = frame.index[-1].to_pydatetime()
    return frame, State(newest, newest.date(), count, row)


def unbroken(bars: pd.DataFrame, rule: Rule, row: Row, count: int) -> tuple[pd.DataFrame, Row]:
    found = rule.evaluate(bars, row)
    frame = pd.DataFrame(found.values, columns=[value.name for value in rule.values], index=bars.index)
    frame.insert(0, "close", bars["close"])
    frame["bars"] = np.arange(count + 1, count + 1 + len(bars))
    frame["decision"] = found.decisions
    return frame, found.state
