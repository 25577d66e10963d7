"""Every decision that stands, computed again and compared: in one pass over its series, or on data cut at its bar.

What the tables cannot say any more is counted apart and never as equal: rows whose bars retention has pruned, and rows
under which a source has since corrected or completed its values. Of the latter the decision still has to be the same,
for the engine would have superseded it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import QuerySet

from markets.models import Instrument, Revision
from markets.store.retention import SHORT_LIVED
from signals import engine, hashes, ledger, rules, series, snapshots, tables
from signals.bars import NONE, Bars, Bools, DecidedBar, RulePass
from signals.models import AnalysisSnapshot, Signal, midnight
from signals.rules.rule import Rule
from signals.state import State

# Another program may round otherwise: so much of the price is no difference between its rows and ours.
NEAR = 1e-9
# Of a number of ten decimals SQLite keeps 15 digits.
LAST_DIGIT = 1e-14
# Fields that no correction of a figure explains: the engine would have written a new version.
FINAL = {"bar", "signal", "params"}
Found = tuple[Signal, DecidedBar | None]


@dataclass(slots=True)
class Difference:
    """A row that is not what its series gives; without an id there is no row."""

    id: int | None
    code: str
    rule: str
    timeframe: str
    bar: str
    fields: list[str]

    def __str__(self) -> str:
        row = "no row" if self.id is None else f"row {self.id}"
        return f"{row}: {self.code} {self.rule} {self.timeframe} {self.bar}: {', '.join(self.fields)}"


@dataclass(slots=True)
class Report:
    """How many rows are in which state; `unattested` and `other_program` are told of the equal ones."""

    rows: int = 0
    equal: int = 0
    unattested: int = 0
    other_program: int = 0
    corrected: int = 0
    not_replayable: int = 0
    superseded: int = 0
    withdrawn: int = 0
    not_configured: int = 0
    differences: list[Difference] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """The rows of one rule on one series, and what the whole series gives."""

    instrument: Instrument
    rule: Rule
    timeframe: str
    bars: Bars
    found: RulePass
    state: State | None
    standing: dict[datetime, Signal]
    revisions: list[tuple[datetime, datetime]]

    @property
    def decided(self) -> Bools:
        return self.found.counts >= self.rule.warm_up

    @property
    def is_cut(self) -> bool:
        """Whether retention has pruned bars that the chain began with: none of its hashes can be computed any more."""
        if self.timeframe != SHORT_LIVED:
            return False
        first = self.state.first if self.state else None
        return not len(self.bars) or first is None or self.bars.moment(0) > first

    def is_pruned(self, row: Signal, bar: DecidedBar | None) -> bool:
        if self.timeframe != SHORT_LIVED:
            return False
        begin = ledger.kept_from(self.found, self.decided, self.timeframe)
        return self.is_cut or (bar is None and begin is not None and row.as_of < begin)

    def is_corrected(self, row: Signal, fields: list[str]) -> bool:
        """Whether values up to its bar have become others after it was written; where its hash is right, none has."""
        if row.inputs is not None and "inputs" not in fields:
            return False
        changed = self.state.changed if self.state else None
        if changed is not None and row.generated_at < changed:
            return True
        return any(bar <= row.as_of and row.generated_at < seen_at for bar, seen_at in self.revisions)


def verify(code: str | None = None, rule: str | None = None) -> Report:
    """One pass over each series. A decision without a row is a difference too."""
    report = Report()
    for one in ledgers(report, code, rule):
        for row, bar in at_once(one):
            judge(report, one, row, bar)
        report.differences += [difference(one, None, as_of, ["missing"]) for as_of in missing(one)]
    return report


def truncate(code: str | None = None, rule: str | None = None) -> Report:
    """Each row on the bars up to its own, without sampling: what looks ahead may differ on 41 of 1,200 bars."""
    report = Report()
    for one in ledgers(report, code, rule):
        for row, bar in cut_at_each(one):
            judge(report, one, row, bar)
    return report


def ledgers(report: Report, code: str | None, rule: str | None) -> Iterator[Ledger]:
    """Every series that has rows or a state, one after the other."""
    wanted = {name: value for name, value in (("instrument__code", code), ("rule", rule)) if value}
    signals, states = Signal.objects.filter(**wanted), AnalysisSnapshot.objects.filter(**wanted)
    places: set[tuple[int, str]] = set()
    for rows in (signals, states):
        places |= set(rows.order_by().values_list("instrument", "timeframe").distinct())
    instruments = Instrument.objects.in_bulk({pk for pk, _ in places})
    for pk, timeframe in sorted(places):
        kept = snapshots.states(instruments[pk], timeframe)
        known = {name: state for name, state in kept.items() if rule in (None, name)}
        yield from of_series(report, instruments[pk], timeframe, signals, known)


def of_series(
    report: Report,
    instrument: Instrument,
    timeframe: str,
    signals: QuerySet[Signal],
    states: Mapping[str, State],
) -> Iterator[Ledger]:
    """The rules that apply to it; the rows of every other one are counted alone."""
    ordered = signals.filter(instrument=instrument, timeframe=timeframe).order_by("rule", "as_of", "version")
    rows = {name: list(group) for name, group in groupby(ordered, lambda row: row.rule)}
    carried = series.carries(instrument, timeframe)
    applied = {rule.name: rule for rule in rules.active() if timeframe in rule.timeframes and rule.needs <= carried}
    bars = series.load(instrument, timeframe) if applied.keys() & {*rows, *states} else NONE
    revisions, chains = corrections(instrument, timeframe), engine.Chains()
    for name in sorted({*rows, *states}):
        of_rule = rows.get(name, [])
        standing = {row.as_of: row for row in of_rule}  # the highest version of a bar comes last
        report.rows += len(of_rule)
        report.superseded += len(of_rule) - len(standing)
        if name not in applied:
            report.not_configured += len(standing)
            continue
        usable = engine.usable(bars, applied[name])
        if len(usable):
            found, _ = engine.attested(usable, applied[name], None, chains)
        else:
            found, _ = engine.unbroken(usable, applied[name], applied[name].initial, 0)
        yield Ledger(instrument, applied[name], timeframe, usable, found, states.get(name), standing, revisions)


def corrections(instrument: Instrument, timeframe: str) -> list[tuple[datetime, datetime]]:
    """Of an official series: the days that were revised, and when."""
    if not tables.is_official(instrument, timeframe):
        return []
    rows = Revision.objects.filter(rate__instrument=instrument).order_by("pk")
    return [(midnight(day), seen_at) for day, seen_at in rows.values_list("rate__effective_date", "seen_at")]


def at_once(one: Ledger) -> Iterator[Found]:
    """Each row that stands, and its bar in the pass over the whole series (None: there is none, or no decision)."""
    found = {bar.as_of: bar for bar in one.found.at(one.decided & one.found.bars.are_among(one.standing))}
    for as_of, row in one.standing.items():
        yield row, found.get(as_of)


def cut_at_each(one: Ledger) -> Iterator[Found]:
    """The same, but the values and the decision are computed on bars that end with its own.

    A series begins anew with each of its parts, so it is computed from there on.
    """
    for row, whole in at_once(one):
        if whole is None:
            yield row, None
            continue
        end = int(one.bars.rows[:, -1].searchsorted(whole.as_of.timestamp(), side="right"))
        cut = one.rule.over(one.bars.rows[end - whole.bars : end], one.rule.initial)
        values = [float(computed) for computed in cut.values[-1]]
        yield row, whole._replace(values=values, decision=int(cut.decisions[-1]))


def missing(one: Ledger) -> list[datetime]:
    """Bars that must have a row and have none: those that the engine has decided on, as far as they are all there."""
    if one.state is None or not len(one.bars) or one.is_cut:
        return []
    wanted = ledger.candidates(one.found, one.decided, one.timeframe, one.state, {})
    wanted &= one.bars.rows[:, -1] <= one.state.as_of.timestamp()
    return [bar.as_of for bar in one.found.at(wanted) if bar.as_of not in one.standing]


def judge(report: Report, one: Ledger, row: Signal, bar: DecidedBar | None) -> None:
    fields = differing(one.rule, row, bar)
    if row.values == ledger.WITHDRAWN and row.signal == ledger.HOLD and (bar is None or not bar.decision):
        report.withdrawn += 1
    elif one.is_pruned(row, bar) and "params" not in fields:
        report.not_replayable += 1
    elif bar is None and row.signal == ledger.HOLD:
        report.not_replayable += 1  # the engine withdraws nothing where nothing was said
    elif not fields:
        report.equal += 1
        report.unattested += row.inputs is None
        report.other_program += row.program not in (None, hashes.program())
    elif not FINAL & set(fields) and one.is_corrected(row, fields):
        report.corrected += 1
    else:
        report.differences.append(difference(one, row, row.as_of, fields))


def differing(rule: Rule, row: Signal, bar: DecidedBar | None) -> list[str]:
    """The fields of the row that are not those of its bar; a hash that it does not have is none."""
    attested = {"params": (row.params, hashes.parameters(rule))}
    if bar is None:
        return ["bar", *unequal(attested)]
    attested["inputs"] = (row.inputs, bar.inputs.hex())
    values, columns = ledger.values_of(rule, bar)
    exact = row.program == hashes.program()
    leeway = 0.0 if exact else NEAR * abs(bar.close)
    names = values.keys() | row.values.keys() if exact else values.keys() & row.values.keys()
    return [
        *(["signal"] if row.signal != ledger.LABELS[bar.decision] else []),
        *(f"values.{name}" for name in sorted(names) if not near(row.values.get(name), values.get(name), leeway)),
        *(name for name, value in columns.items() if not near(getattr(row, name), value, leeway, LAST_DIGIT)),
        *unequal(attested),
    ]


def unequal(attested: Mapping[str, tuple[str | None, str]]) -> list[str]:
    return [name for name, (stored, found) in attested.items() if stored not in (None, found)]


def near(stored: Any, found: float | Decimal | None, leeway: float, relative: float = 0.0) -> bool:
    if stored is None or found is None or not isinstance(stored, float | int | Decimal):
        return stored is found
    return abs(float(stored) - float(found)) <= leeway + relative * abs(float(found))


def difference(one: Ledger, row: Signal | None, as_of: datetime, fields: list[str]) -> Difference:
    bar = snapshots.shown(as_of, one.timeframe)
    return Difference(row.pk if row else None, one.instrument.code, one.rule.name, one.timeframe, bar, fields)
