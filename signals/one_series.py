"""One pass over one series: what stands is read once, every rule is asked, and what came of it is written once.

Rule by rule these were five statements each, which on a first run cost more than everything that is computed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from markets import clock
from markets.models import Instrument
from signals import ledger, snapshots
from signals.bars import Bars, RulePass
from signals.models import AnalysisSnapshot
from signals.rules.rule import Rule
from signals.snapshots import Kept, Status, Stored, Windows
from signals.state import State, spoilt


@dataclass(slots=True)
class Outcome:
    """What came of one rule: bars that were decided on (`found`, decisions from `start` on), words of a failure, or
    neither, where the rule does not apply. `in_windows`: official bars of one unit, as far back as the windows reach.
    """

    rule: Rule
    found: RulePass | None = None
    state: State | None = None
    start: datetime | None = None
    in_windows: Bars | None = None
    error: str = ""
    # A failure behind a state that stands on.
    onward: bool = False

    @property
    def is_warm(self) -> bool:
        return self.state is not None and self.state.bars >= self.rule.warm_up


@dataclass(slots=True)
class OneSeries:
    """What stands of a series before a pass and behind it."""

    instrument: Instrument
    timeframe: str
    windowed: bool
    stored: Mapping[str, Mapping[str, Stored]]
    replaced: list[tuple[int, str, str, str, Kept, dict[str, Any]]] = field(default_factory=list)

    def kept(self) -> dict[str, Kept]:
        """By rule, as `snapshots.kept` reads it."""
        found = {}
        for rule, windows in self.stored.items():
            for window in AnalysisSnapshot.KEEPERS:
                if row := windows.get(window):
                    state = State.load(row.state) if row.state else None
                    found[rule] = Kept(row.status, row.stats, state, row.error, row.generated_at)
        return found

    def write(self, outcomes: Sequence[Outcome]) -> dict[str, int]:
        """Decisions, then states; answers how many rows each rule got. Four statements for all rules."""
        asked = [one for one in outcomes if not one.error]
        standing = ledger.standing(self.instrument, self.timeframe, {one.rule.name: one.start for one in asked})
        rows = {one.rule.name: self.rows(one, standing[one.rule.name]) for one in asked}
        ledger.insert([row for found in rows.values() for row in found])
        warm = [one.rule.name for one in asked if one.is_warm]
        turned = snapshots.newest_decisions(self.instrument, warm, self.timeframe)
        for one in outcomes:
            self.save(one, turned.get(one.rule.name, {}))
        snapshots.replace(self.replaced)
        return {one.rule.name: len(rows.get(one.rule.name, ())) for one in outcomes}

    def rows(self, one: Outcome, known: ledger.Known) -> list[ledger.Row]:
        """Where the rule does not apply, nor do decisions from when it did."""
        if one.found is None or one.state is None:
            return ledger.retracted(self.instrument, one.rule, self.timeframe, known)
        return ledger.rows(self.instrument, one.rule, self.timeframe, one.found, one.state, known, one.start)

    def save(self, one: Outcome, turned: Mapping[str, Any]) -> None:
        """Keep what changed: a recompute that comes to the same leaves even the time stamp alone, but not that of a
        failure, by which the next try is put off. The first window keeps the state.
        """
        status, windows, state = self.standing_of(one, turned)
        before = self.stored.get(one.rule.name, {})
        for number, (window, stats) in enumerate(windows.items()):
            carried = {} if number else state
            if one.error or window not in before or before[window][:4] != (status, stats, carried, ""):
                now = Kept(status, stats, error=one.error)
                self.replaced.append((self.instrument.pk, one.rule.name, self.timeframe, window, now, carried))

    def standing_of(self, one: Outcome, turned: Mapping[str, Any]) -> tuple[Status, Windows, dict[str, Any]]:
        names = snapshots.windows_of(self.windowed)
        if one.error:
            return Status.FAILED, *self.behind_a_failure(one, names)
        if one.found is None or one.state is None:
            return Status.NOT_APPLICABLE, {name: {} for name in names}, {}
        newest = one.found.newest
        status, windows = snapshots.windows(one.rule, self.timeframe, newest, one.state, one.in_windows, turned)
        return status, windows, one.state.dump()

    def behind_a_failure(self, one: Outcome, names: Sequence[str]) -> tuple[Windows, dict[str, Any]]:
        """What stood before the bar that the rule failed on stands on, and is taken up from there; a series that was to
        be computed as a whole is computed as a whole the next time.
        """
        before = self.stored.get(one.rule.name, {})
        windows = {name: before[name].stats if one.onward and name in before else {} for name in names}
        state: dict[str, Any] = next((row.state for row in before.values() if row.state), {})
        return windows, state if one.onward else spoilt(state)

    def now(self) -> dict[str, Kept]:
        """By rule, what stands behind the pass."""
        found, at = self.kept(), clock.now()
        for _, rule, _, window, one, state in self.replaced:
            if window in AnalysisSnapshot.KEEPERS:
                found[rule] = Kept(one.status, one.stats, State.load(state) if state else None, one.error, at)
        return found


def read(instrument: Instrument, timeframe: str, windowed: bool) -> OneSeries:
    return OneSeries(instrument, timeframe, windowed, snapshots.stored(instrument, timeframe))
