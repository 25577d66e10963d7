"""Operators' own cases: fabricated prices through the machine that evaluates real ones, and what is expected of it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from signals.alerts import case_messages
from signals.alerts.case_messages import Telling
from signals.alerts.machine import FIRING, SUSPENDED, ZERO, Standing, Watch, advance
from signals.alerts.windows import Window

# The source says that there is none, or nobody heard anything: in the place of a price.
STALE, MISSING = "stale", "_"
FIRED, RESOLVED = "fired", "resolved"
Sample = Decimal | str


class Rule(NamedTuple):
    """`asset` names the series that it watches."""

    id: str
    asset: str
    watch: Watch
    window: timedelta

    def telling(self, step: str, time: datetime) -> Telling:
        return Telling(self.id, self.watch.kind, step, time)


class Moment(NamedTuple):
    """What is expected `at` so long after the start, by the name of what is counted; `text` is how `at` is written."""

    at: timedelta
    text: str
    expected: Mapping[str, Any]


class Case(NamedTuple):
    """Samples of each series, `every` so long. `fresh_for`: a longer pause between two prices is a silence."""

    name: str
    line: int
    start: datetime
    every: timedelta
    series: Mapping[str, list[Sample]]
    rules: list[Rule]
    moments: list[Moment]
    fresh_for: timedelta | None = None


class Stand(NamedTuple):
    """Where a rule stands, and what there was to be told of it."""

    standing: Standing
    told: list[Telling]

    @property
    def events(self) -> int:
        return sum(one.step == FIRED for one in self.told)


def failures(case: Case) -> Iterator[str]:
    """What is not as expected, moment by moment; nothing when the case holds."""
    for moment in case.moments:
        found = told({rule.id: stand_at(case, rule, moment.at) for rule in case.rules}, case.start + moment.at)
        for name, wanted in moment.expected.items():
            is_so = {rule: found[name][rule] for rule in wanted} if isinstance(wanted, Mapping) else found[name]
            if is_so != wanted:
                yield f"at {moment.text}: {name} is {said(is_so)}, expected {said(wanted)}"


def told(stands: Mapping[str, Stand], until: datetime) -> dict[str, Any]:
    """`deliveries`: the messages of one channel that is told everything and has no quiet hours."""
    tellings = [telling for stand in stands.values() for telling in stand.told]
    return {
        "firing": sorted(name for name, stand in stands.items() if stand.standing.state == FIRING),
        "events": sum(stand.events for stand in stands.values()),
        "deliveries": case_messages.count(tellings, until),
        "state": {name: stand.standing.state or SUSPENDED for name, stand in stands.items()},
    }


def said(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {state}" for name, state in sorted(value.items()))
    return str(value)


def stand_at(case: Case, rule: Rule, at: timedelta) -> Stand:
    """Everything up to this moment, itself included, through the machine."""
    window, standing, tellings = Window(rule.window), Standing(), list[Telling]()
    last: datetime | None = None
    for place, sample in enumerate(case.series[rule.asset]):
        if place * case.every > at:
            break
        time = case.start + place * case.every
        if sample == MISSING:
            continue
        if sample == STALE or is_silence(case, last, time):
            standing, _ = advance(rule.watch, standing, window.silence(time))
        if isinstance(sample, Decimal):
            last = time
            standing, happened = advance(rule.watch, standing, window.add(time, sample))
            steps = [step for step, so in ((RESOLVED, happened.resolves), (FIRED, happened.fires)) if so]
            tellings += [rule.telling(step, time) for step in steps]
    if is_silence(case, last, case.start + at):
        standing, _ = advance(rule.watch, standing, window.silence(case.start + at))
    return Stand(standing, tellings)


def is_silence(case: Case, last: datetime | None, now: datetime) -> bool:
    return case.fresh_for is not None and last is not None and now - last > case.fresh_for


def watch(kind: str, direction: str, figures: Mapping[str, Decimal | None], cooldown: timedelta) -> Watch:
    threshold, level = figures.get("threshold_pct") or ZERO, figures.get("level") or ZERO
    return Watch(kind, direction, threshold, level, figures.get("hysteresis_pct"), cooldown)
