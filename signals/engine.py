"""One series through every rule that applies to it. The same bars give the same rows, in one go or bar by bar."""

import logging
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from markets import clock, timeframes
from markets.jobs import runs
from markets.models import Instrument
from markets.redis import generations
from markets.store.retention import SHORT_LIVED
from signals import compiled, hashes, one_series, ratings, rules, series, snapshots, tables
from signals.bars import NONE, Bars, RulePass
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
    bars = series.load(instrument, timeframe, after) if applied else NONE
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
    bars: Bars,
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
    if onward and before and (not len(bars) or bars.moment(-1) <= before.as_of):
        return None
    if not len(bars):
        # Of five minutes all bars were pruned: what was decided on them stays.
        return None if before and timeframe == SHORT_LIVED else Outcome(rule)
    try:
        found, state = attested(bars, rule, before if onward else None, chains)
        rule.vote(snapshots.bar_of(rule, found.newest))
    except Exception as error:
        logger.exception("The rule %s failed on %s %s", rule.name, instrument.code, timeframe)
        return Outcome(rule, error=runs.scrub(repr(error)), onward=onward)
    if before:
        state.live_since = before.live_since
        state.changed = before.changed if onward or holds(found, before) else clock.now()
    else:
        state.live_since = clock.today()
    start = found.bars.moment(0) if onward else unchanged_until(timeframe, before, since)
    in_windows = series.of_newest_unit(bars, instrument.code) if one.windowed else None
    return Outcome(rule, found, state, start, in_windows)


def unchanged_until(timeframe: str, before: State | None, since: datetime | None) -> datetime | None:
    """Of candles that are pruned: up to where every decision stands when the series is computed as a whole.

    What remains of it may not remember a side or an order that was seen on pruned candles.
    """
    return since if timeframe == SHORT_LIVED and before and before.is_whole else None


def holds(found: RulePass, before: State) -> bool:
    """Whether the same figures lead to the bar that was decided on last; of an earlier release nobody knows."""
    if not before.inputs:
        return True
    (places,) = (found.bars.rows[:, -1] == before.as_of.timestamp()).nonzero()
    return bool(len(places)) and found.inputs[places[0]] == before.inputs


def needed(rule: Rule) -> tuple[str, ...]:
    return tuple(name for name in COLUMNS if name in rule.needs)


def usable(bars: Bars, rule: Rule) -> Bars:
    """Without the bars of which a needed number is none (NaN, infinite): they move no state and decide nothing."""
    numbers = bars.rows[:, [COLUMNS.index(name) for name in needed(rule)]]
    good: NDArray[np.bool_] = np.atleast_1d(np.isfinite(numbers).all(axis=1))
    return bars if good.all() else bars[good]


def follow(bars: Bars, rule: Rule, before: State | None) -> tuple[RulePass, State]:
    """The rule over the bars that come after `before` (None: from the beginning), and the state behind the last one."""
    parts = bars.parts
    first = int(bars.rows[:, -1].searchsorted(before.as_of.timestamp(), side="right")) if before else 0
    breaks = np.flatnonzero(np.diff(parts)) + 1
    edges = [first, *(int(place) for place in breaks if place > first), len(bars)]
    row, count = (before.row, before.bars) if before else (rule.initial, 0)
    passes = []
    for start, end in pairwise(edges):
        if start == 0 or parts[start] != parts[start - 1]:
            row, count = rule.initial, 0
        found, row = unbroken(bars[start:end], rule, row, count)
        count += len(found)
        passes.append(found)
    found = RulePass(
        bars[first:],
        np.concatenate([one.values for one in passes]),
        np.concatenate([one.counts for one in passes]),
        np.concatenate([one.decisions for one in passes]),
    )
    newest = found.bars.moment(-1)
    return found, State(newest, newest.date(), count, row)


def attested(bars: Bars, rule: Rule, before: State | None, chains: Chains) -> tuple[RulePass, State]:
    """What `follow` finds, with the inputs: for each bar the hash of all bars up to it.

    Six rules need the close alone: `chains` keeps what was hashed for one of them.
    """
    found, state = follow(bars, rule, before)
    start, beginning = len(bars) - len(found), before.inputs if before else hashes.BEGINNING
    key = (needed(rule), start, beginning)
    if key not in chains:
        chains[key] = hashes.chain(series.lines(found.bars, needed(rule)), beginning)
    found.inputs = chains[key]
    state.inputs, state.first = found.inputs[-1], before.first if before else found.bars.moment(0)
    return found, state


def unbroken(bars: Bars, rule: Rule, row: Row, count: int) -> tuple[RulePass, Row]:
    found = rule.over(bars.rows, row)
    values = np.asarray(found.values, np.float64).reshape(len(bars), len(rule.values))
    counts = np.arange(count + 1, count + 1 + len(bars))
    return RulePass(bars, values, counts, np.asarray(found.decisions, np.int64)), found.state
