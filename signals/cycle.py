"""The new candles of many series at once: a few statements for all of them, and one step for each rule of each series.

Only what is plain is decided here: closed candles behind a kept state. What is not (the first run, a correction, a gap,
a new rule) is left to `signals.engine`, which takes one series at a time and comes to the same rows.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db.models import FloatField, Q
from django.db.models.functions import Cast

from markets import clock, timeframes
from markets.instruments import redenominations
from markets.jobs import runs
from markets.models import Candle, Instrument
from markets.queries.candles import listings_with
from markets.redis import generations
from signals import engine, hashes, ledger, ratings, rules, series, snapshots, tables
from signals.bars import Bars, Floats
from signals.kernel import COLUMNS
from signals.models import AnalysisSnapshot, Signal
from signals.rules.rule import OFFICIAL, Rule
from signals.snapshots import Kept, Status
from signals.state import State
from signals.written import Written

logger = logging.getLogger(__name__)


class Step(NamedTuple):
    """What came of the new bars of one series under one rule; without a state it raised, for the reason in `error`."""

    instrument: Instrument
    rule: Rule
    bar: dict[str, float]
    state: State | None
    decision: int
    signals: list[Signal]
    error: str = ""


@dataclass(slots=True)
class Decided:
    """The series that were brought up to their candles, and the decisions that were written."""

    instruments: set[int] = field(default_factory=set)
    written: list[Written] = field(default_factory=list)


class NotPlain(Exception):
    """The engine has to look at the whole series."""


def decide(timeframe: str, news: Mapping[int, datetime]) -> Decided:
    """Bring these series up to their candles, in the caller's transaction; `news` names the first candle that changed,
    by instrument.
    """
    asked = [rule for rule in rules.active() if timeframe in rule.timeframes and OFFICIAL not in rule.needs]
    found = Instrument.objects.filter(pk__in=list(news)).select_for_update(no_key=True).order_by("pk")
    locked = {instrument.pk: instrument for instrument in found}
    stands = snapshots.kept(locked, timeframe)
    plain = [one for one in locked.values() if is_plain(one, asked, stands[one.pk], news[one.pk])]
    candles = new_candles({one.pk: oldest(stands[one.pk], asked) for one in plain}, timeframe)
    steps: list[Step] = []
    decided = Decided()
    for one in plain:
        try:
            steps += steps_of(one, asked, stands[one.pk], candles[one.pk], timeframe)
        except NotPlain:
            continue
        decided.instruments.add(one.pk)
    again = decided_before(steps, timeframe)
    decided.instruments -= again
    write([step for step in steps if step.instrument.pk not in again], stands, asked, timeframe, decided)
    return decided


def is_plain(instrument: Instrument, asked: Sequence[Rule], stood: Mapping[str, Kept], since: datetime) -> bool:
    """Whether every rule goes on from where it stands."""
    if redenominations.breaks(instrument.code) or not asked:
        return False
    for rule in asked:
        kept = stood.get(rule.name)
        if kept is None:
            return False
        if kept.state is None or not kept.state.is_whole:
            rested = kept.generated_at is not None and kept.generated_at > clock.now() - snapshots.AGAIN
            if kept.status != Status.NOT_APPLICABLE and not (kept.status == Status.FAILED and rested):
                return False
        elif since <= kept.state.as_of:
            return False
    return True


def oldest(stood: Mapping[str, Kept], asked: Sequence[Rule]) -> datetime | None:
    """Behind which candle one of the rules goes on; None where none of them does."""
    states = [stood[rule.name].state for rule in asked]
    return min((state.as_of for state in states if state is not None and state.is_whole), default=None)


def new_candles(after: Mapping[int, datetime | None], timeframe: str) -> dict[int, Floats]:
    """Closed candles by instrument, ascending: the columns of `compiled.matrix`, and 1.0 where nothing was traded in
    it or only a part of it is known. Without a state: the newest ones, by which one sees whether a rule applies now.
    """
    sources = sources_of(after, timeframe)
    recent = clock.now() - 3 * timedelta(seconds=timeframes.SECONDS[timeframe])
    groups: dict[tuple[int, datetime], list[int]] = defaultdict(list)
    for pk, start in after.items():
        if pk in sources:
            groups[sources[pk], start or recent].append(pk)
    found: dict[int, list[tuple[float, ...]]] = {pk: [] for pk in after}
    if groups:
        wanted = Q()
        for (source, start), instruments in groups.items():
            wanted |= Q(source=source, instrument__in=instruments, open_time__gt=start)
        rows = Candle.objects.filter(wanted, timeframe=timeframe, closed=True).order_by("open_time")
        prices = [Cast(name, FloatField()) for name in COLUMNS]
        for pk, start, synthetic, partial, *values in rows.values_list(
            "instrument_id", "open_time", "synthetic", "partial", *prices
        ):
            found[pk].append((*values, start.timestamp(), float(synthetic or partial)))
    return {pk: np.array(rows, np.float64).reshape(-1, len(COLUMNS) + 2) for pk, rows in found.items()}


def sources_of(instruments: Collection[int], timeframe: str) -> dict[int, int]:
    """`series.source_of` for many: the source with the most urgent listing of those that have such candles."""
    rows = listings_with(timeframe).filter(instrument__in=list(instruments))
    found: dict[int, int] = {}
    for pk, source in rows.order_by("priority", "source__code").values_list("instrument_id", "source_id"):
        found.setdefault(pk, source)
    return found


def steps_of(
    instrument: Instrument, asked: Sequence[Rule], stood: Mapping[str, Kept], candles: Floats, timeframe: str
) -> Iterable[Step]:
    """Raises NotPlain where a gap begins a new series, or where a rule applies that did not."""
    longest = (tables.MOST_ABSENT + 1) * timeframes.SECONDS[timeframe]
    times, traded = candles[:, -2], candles[:, -1] == 0.0
    steps = []
    chains: engine.Chains = {}
    for rule in asked:
        needed = [COLUMNS.index(name) for name in engine.needed(rule)]
        usable = traded & np.isfinite(candles[:, needed]).all(axis=1)
        before = stood[rule.name].state
        if before is None or not before.is_whole:
            if stood[rule.name].status == Status.NOT_APPLICABLE and usable.any():
                raise NotPlain
            continue
        reached = before.as_of.timestamp()
        fresh = times > reached
        if (np.diff(times[fresh], prepend=reached) > longest).any():
            raise NotPlain
        rows = candles[usable & fresh, :-1]
        if len(rows):
            steps.append(step(instrument, rule, before, rows, timeframe, chains))
    return steps


def step(
    instrument: Instrument, rule: Rule, before: State, rows: Floats, timeframe: str, chains: engine.Chains
) -> Step:
    """One that raises is told of in its row and as a problem: the log would have it again with each cycle."""
    try:
        found = rule.over(rows, before.row)
        inputs = chain(rule, rows, before, chains)
        as_of = datetime.fromtimestamp(rows[-1, -1], UTC)
        state = replace(before, as_of=as_of, bars=before.bars + len(rows), row=found.state, inputs=inputs[-1])
        names = (value.name for value in rule.values)
        bar = {"close": float(rows[-1, 0]), **dict(zip(names, map(float, found.values[-1]), strict=True))}
        rule.vote(bar)
        turns = any(found.decisions) and state.bars >= rule.warm_up
        signals = signals_of(instrument, rule, before, rows, timeframe, inputs) if turns else []
    except Exception as error:
        logger.debug("The rule %s failed on %s %s", rule.name, instrument.code, timeframe, exc_info=error)
        return Step(instrument, rule, {}, None, 0, [], runs.scrub(repr(error)))
    return Step(instrument, rule, bar, state, int(found.decisions[-1]), signals)


def chain(rule: Rule, rows: Floats, before: State, chains: engine.Chains) -> list[bytes]:
    """The hash of all bars up to each of these; most rules need the close alone, and share it."""
    columns = engine.needed(rule)
    key = (columns, int(rows[0, -1]), before.inputs)
    if key not in chains:
        chains[key] = hashes.chain([line(row, columns) for row in rows.tolist()], before.inputs)
    return chains[key]


def line(row: Sequence[float], columns: Sequence[str]) -> bytes:
    """`series.lines` of one candle, for a row alone."""
    opened = datetime.fromtimestamp(row[-1], UTC)
    figures = series.figures([row[COLUMNS.index(name)] for name in columns])
    return f"{opened:%Y-%m-%dT%H:%M:%SZ},{figures}\n".encode()


def signals_of(
    instrument: Instrument, rule: Rule, before: State, rows: Floats, timeframe: str, inputs: Sequence[bytes]
) -> list[Signal]:
    """The rows of the BUY and SELL among these bars: few have one, so these few are made as the engine makes them."""
    bars = Bars(np.ascontiguousarray(rows), np.zeros(len(rows), np.int64))
    found, _ = engine.unbroken(bars, rule, before.row, before.bars)
    found.inputs = inputs
    turned = found.at((found.decisions != 0) & (found.counts >= rule.warm_up))
    common = {"generated_at": clock.now(), **hashes.of(rule)}
    return [ledger.signal_of(instrument, rule, timeframe, bar, before, version=1, **common) for bar in turned]


def decided_before(steps: Sequence[Step], timeframe: str) -> set[int]:
    """Instruments on one of whose bars a decision stands already: it needs a version, which the engine gives it."""
    rows = [row for step in steps for row in step.signals]
    if not rows:
        return set()
    stored = Signal.objects.filter(
        instrument__in={row.instrument_id for row in rows}, timeframe=timeframe, as_of__in={row.as_of for row in rows}
    )
    known = set(stored.values_list("instrument_id", "rule", "as_of"))
    return {row.instrument_id for row in rows if (row.instrument_id, row.rule, row.as_of) in known}


def write(
    steps: Sequence[Step],
    stands: dict[int, dict[str, Kept]],
    asked: Sequence[Rule],
    timeframe: str,
    decided: Decided,
) -> None:
    """Decisions, states and ratings; `stands` becomes what stands now."""
    if not steps:
        return
    Signal.objects.bulk_create([row for step in steps for row in step.signals], batch_size=500)
    rows: list[tuple[int, str, str, str, Kept, dict[str, Any]]] = []
    for one in steps:
        stood = stands[one.instrument.pk]
        now = stood[one.rule.name] = outcome(one, stood[one.rule.name], timeframe)
        state = now.state.dump() if now.state else {}
        rows.append((one.instrument.pk, one.rule.name, timeframe, AnalysisSnapshot.NEWEST, now, state))
        if one.signals:
            count, newest = len(one.signals), one.signals[-1]
            decided.written.append(Written(one.instrument, one.rule.name, timeframe, count, newest))
    snapshots.replace(rows)
    changed = {one.instrument.pk for one in steps}
    ratings.bring_up({pk: stands[pk] for pk in sorted(changed)}, asked, timeframe)
    generations.changed(changed)


def outcome(one: Step, before: Kept, timeframe: str) -> Kept:
    """What stands after a step: after one that raised, what stood before it."""
    if one.state is None:
        return Kept(Status.FAILED, before.stats, before.state, one.error)
    status, stats = snapshots.stats_of(
        one.rule, timeframe, one.bar, one.state, one.decision, turned(one, one.state, before, timeframe)
    )
    return Kept(status, stats, one.state)


def turned(one: Step, state: State, before: Kept, timeframe: str) -> dict[str, Any]:
    """The newest BUY or SELL: of this step, or the one that was named before it."""
    if state.bars < one.rule.warm_up:
        return {}
    if one.signals:
        newest = one.signals[-1]
        return snapshots.turn(newest.pk, newest.as_of, newest.signal, timeframe)
    if before.status == Status.WARMING_UP:
        return snapshots.newest_decision(one.instrument, one.rule, timeframe)
    return {name: before.stats[name] for name in ("turned", "turned_on", "turned_id") if name in before.stats}
