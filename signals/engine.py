"""One series through every rule that applies to it. The same bars give the same rows, in one go or bar by bar."""

import logging
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
from django.db import transaction
from numpy.typing import NDArray

from markets import clock, timeframes
from markets.jobs import runs
from markets.models import Instrument
from markets.redis import generations
from markets.store.retention import SHORT_LIVED
from signals import compiled, hashes, one_series, ratings, rules, series, snapshots, tables
from signals.kernel import COLUMNS
from signals.models import DAILY, midnight
from signals.one_series import OneSeries, Outcome
from signals.rules.rule import Row, Rule
from signals.state import State

logger = logging.getLogger(__name__)

# By the columns, the first bar and the hash before it.
Chains = dict[tuple[tuple[str, ...], int, bytes], list[bytes]]


def compile_rules() -> None:
    """What the first bar of each rule would wait for: about a second a rule, once a process."""
    for rule in rules.active():
        if rule.kernel is not None:
            compiled.machine_code(rule.kernel)


def decide(instrument: Instrument, timeframe: str = DAILY, since: date | datetime | None = None) -> int:
    """Bring the decisions of every rule on one series up to its bars; answers how many rows were written."""
    return sum(decisions(instrument, timeframe, since).values())


def decisions(
    instrument: Instrument, timeframe: str = DAILY, since: date | datetime | None = None
) -> dict[str, int]:  # fmt: skip
    """The rows that were written, by rule.

    `since` is the first day or moment that changed; None means all of them. Bars after the last decided one cost one
    step each, anything earlier a recompute of the whole series. All in one transaction.
    """
    asked = [rule for rule in rules.active() if timeframe in rule.timeframes]
    if not asked:
        return {}
    with transaction.atomic():
        # No full lock: a writer's commit checks keys that refer to the instrument, and it may hold what we want next.
        Instrument.objects.select_for_update(no_key=True).get(pk=instrument.pk)
        generations.changed([instrument.pk])
        carried = series.carries(instrument, timeframe)
        one = one_series.read(instrument, timeframe, tables.is_official(instrument, timeframe))
        applied = [rule for rule in asked if rule.needs <= carried]
        outcomes = [Outcome(rule) for rule in asked if rule not in applied]
        written = dict.fromkeys([rule.name for rule in asked], 0)
        written |= one.write([*outcomes, *advance(one, applied, since)])
        ratings.bring_up({instrument.pk: one.now()}, asked, timeframe)
    return written


def advance(one: OneSeries, applied: list[Rule], since: date | datetime | None) -> list[Outcome]:
    """The series is read once, from as far back as one of the rules or a window needs it."""
    instrument, timeframe = one.instrument, one.timeframe
    states = {rule: kept.state for rule, kept in one.kept().items() if kept.state is not None}
    onward = {
        name: state
        for name, state in states.items()
        if since is not None
        and moment(since) > state.as_of
        and state.is_whole
        and not series.mixes_units(instrument, timeframe, state)
    }
    reach = [onward[rule.name].as_of for rule in applied if rule.name in onward]
    after = min(reach) - lead(instrument, timeframe) if applied and len(reach) == len(applied) else None
    bars = series.load(instrument, timeframe, after) if applied else pd.DataFrame()
    chains: Chains = {}
    changed = None if since is None else moment(since)
    found = [
        bring_up(one, rule, bars, states.get(rule.name), rule.name in onward, chains, changed) for rule in applied
    ]  # fmt: skip
    return [outcome for outcome in found if outcome is not None]


def lead(instrument: Instrument, timeframe: str) -> timedelta:
    """How far before the state a step reads: a window of official rates, or the bar of the state itself, by which one
    sees whether the next one follows it.
    """
    if tables.is_official(instrument, timeframe):
        return snapshots.WIDEST
    return timedelta(seconds=timeframes.SECONDS[timeframe])


def moment(since: date | datetime) -> datetime:
    return since.astimezone(UTC) if isinstance(since, datetime) else midnight(since)


def bring_up(
    one: OneSeries,
    rule: Rule,
    bars: pd.DataFrame,
    before: State | None,
    onward: bool,
    chains: Chains,
    since: datetime | None,
) -> Outcome | None:
    """One rule over what is new to it, or over everything; None where it has nothing to say. One that raises says so in
    its row, and the others go on.
    """
    instrument, timeframe = one.instrument, one.timeframe
    bars = usable(bars, rule)
    if onward and before and (bars.empty or bars.index[-1] <= before.as_of):
        return None
    if bars.empty:
        # Of five minutes all bars were pruned: what was decided on them stays.
        return None if before and timeframe == SHORT_LIVED else Outcome(rule)
    try:
        frame, state = attested(bars, rule, before if onward else None, chains)
        rule.vote(snapshots.bar_of(rule, frame.iloc[-1]))
    except Exception as error:
        logger.exception("The rule %s failed on %s %s", rule.name, instrument.code, timeframe)
        return Outcome(rule, error=runs.scrub(repr(error)), onward=onward)
    if before:
        state.live_since = before.live_since
        state.changed = before.changed if onward or holds(frame, before) else clock.now()
    else:
        state.live_since = clock.today()
    start = frame.index[0].to_pydatetime() if onward else unchanged_until(timeframe, before, since)
    closes = series.of_newest_unit(bars["close"], instrument.code) if one.windowed else None
    return Outcome(rule, frame, state, start, closes)


def unchanged_until(timeframe: str, before: State | None, since: datetime | None) -> datetime | None:
    """Of candles that are pruned: up to where every decision stands when the series is computed as a whole.

    What remains of it may not remember a side or an order that was seen on pruned candles.
    """
    return since if timeframe == SHORT_LIVED and before and before.is_whole else None


def holds(frame: pd.DataFrame, before: State) -> bool:
    """Whether the same figures lead to the bar that was decided on last; of an earlier release nobody knows."""
    return not before.inputs or frame["inputs"].get(before.as_of) == before.inputs


def needed(rule: Rule) -> tuple[str, ...]:
    return tuple(name for name in COLUMNS if name in rule.needs)


def usable(bars: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Without the bars of which a needed number is none (NaN, infinite): they move no state and decide nothing."""
    good: NDArray[np.bool_] = np.isfinite(bars[list(needed(rule))].to_numpy()).all(axis=1)
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


def attested(bars: pd.DataFrame, rule: Rule, before: State | None, chains: Chains) -> tuple[pd.DataFrame, State]:
    """What `follow` finds, with one more column: inputs, the hash of all bars up to this one.

    Six rules need the close alone: `chains` keeps what was hashed for one of them.
    """
    frame, state = follow(bars, rule, before)
    start, beginning = len(bars) - len(frame), before.inputs if before else hashes.BEGINNING
    key = (needed(rule), start, beginning)
    if key not in chains:
        chains[key] = hashes.chain(series.lines(bars.iloc[start:], needed(rule)), beginning)
    state.inputs, state.first = chains[key][-1], before.first if before else frame.index[0].to_pydatetime()
    return frame.assign(inputs=chains[key]), state


def unbroken(bars: pd.DataFrame, rule: Rule, row: Row, count: int) -> tuple[pd.DataFrame, Row]:
    found = rule.evaluate(bars, row)
    frame = pd.DataFrame(found.values, columns=[value.name for value in rule.values], index=bars.index)
    frame.insert(0, "close", bars["close"])
    frame["bars"] = np.arange(count + 1, count + 1 + len(bars))
    frame["decision"] = found.decisions
    return frame, found.state
