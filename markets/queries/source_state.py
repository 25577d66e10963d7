"""How a source is doing: the one judgement that every page, the API, the admin and the metrics show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from markets.clock import SKEW
from markets.models import Job, Source
from markets.queries.calendars import Timetable
from markets.queries.freshness import Trouble

# A poll may miss two turns and be half a one late, and a start takes a minute.
PATIENCE = 2.5
START = timedelta(seconds=60)
# Reasons of failures by which a source asks for a rest.
ASKED_TO_WAIT = frozenset({Job.Reason.BUDGET, Job.Reason.REFUSED})


class State(StrEnum):
    OK = "ok"
    PENDING = "pending"  # nothing was asked for yet
    COOLING = "cooling_down"  # it asked for a rest, or rests after a failure
    LATE = "late"  # the newest table should be published by now and is being asked for
    FILLING = "filling"  # its history is being loaded
    STALE = "stale"  # something is missing that should be here
    FAILED = "failed"  # the last try failed
    OFF = "off"  # switched off, paused, without its key, or unknown to this release


# Of several series the worst speaks for the source.
SEVERITY = (State.OK, State.PENDING, State.COOLING, State.LATE, State.FILLING, State.STALE, State.FAILED)
LIGHTS = {
    State.OK: "good", State.PENDING: "muted", State.OFF: "muted", State.COOLING: "busy", State.LATE: "busy",
    State.FILLING: "busy", State.STALE: "warn",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """A table with its timetable, or prices that are asked for every so many seconds (then there is no timetable).

    `newest`: the day of the newest table, or the moment of the newest success. `observed`: the moment of the newest
    price that it brought. `waiting`: since when a poll that never succeeded has been waited for. `complete`: a history
    that does not grow and is here.
    """

    name: str
    newest: date | datetime | None = None
    timetable: Timetable | None = None
    every: int = 0
    waiting: datetime | None = None
    trouble: Trouble | None = None
    filling: bool = False
    complete: bool = False
    observed: datetime | None = None

    @property
    def figures_at(self) -> date | datetime | None:
        """What the newest figures are of: an answer of today with the price of yesterday is no news."""
        if isinstance(self.newest, datetime) and self.observed:
            return min(self.newest, self.observed)
        return self.newest


@dataclass(frozen=True, slots=True)
class SeriesState:
    """`is_behind`: whether figures are missing, also where the state tells of the failure behind that."""

    facts: SeriesFacts
    state: State
    is_behind: bool = False
    is_ahead: bool = False


@dataclass(frozen=True, slots=True)
class SourceState:
    """The judgement. `why` of a source that is off: disabled, paused, no_key, unavailable."""

    source: Source
    state: State
    series: tuple[SeriesState, ...] = ()
    why: str = ""
    trouble: Trouble | None = None
    next_try: datetime | None = None
    cooling_until: datetime | None = None
    # The source whose figures it gives at the moment, if it is a fallback.
    stands_in_for: str = ""
    last_success: datetime | None = None
    last_failure: datetime | None = None

    @property
    def is_behind(self) -> bool:
        return self.state != State.OFF and any(one.is_behind for one in self.series)

    @property
    def behind(self) -> list[str]:
        """Names of the series that lack something."""
        return [one.facts.name for one in self.series if one.is_behind]

    @property
    def light(self) -> str:
        """One of good, busy, warn, bad and muted; a failure is bad where it costs figures."""
        if self.state == State.FAILED:
            return "bad" if self.is_behind else "warn"
        return LIGHTS[self.state]


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What `judge` needs to know of a source beside its row."""

    source: Source
    series: tuple[SeriesFacts, ...] = ()
    wants_key: bool = False
    cooling_until: datetime | None = None
    next_try: datetime | None = None
    last_success: datetime | None = None
    last_failure: datetime | None = None


def judge(facts: SourceFacts, now: datetime) -> SourceState:
    source, why = facts.source, why_off(facts, now)
    series = tuple(judge_series(one, now) for one in facts.series)
    cooling = facts.cooling_until if facts.cooling_until and facts.cooling_until > now else None
    trouble = worst_trouble(one.trouble for one in facts.series) if not why else None
    state = State.OFF if why else worst(series, trouble, rests=cooling is not None)
    return SourceState(
        source=source,
        state=state,
        series=series,
        why=why,
        trouble=trouble,
        next_try=next_try(facts, why, now),
        cooling_until=cooling,
        last_success=facts.last_success,
        last_failure=facts.last_failure,
    )


def why_off(facts: SourceFacts, now: datetime) -> str:
    source = facts.source
    if not source.available:
        return "unavailable"
    if facts.wants_key:
        return "no_key"
    if not source.enabled:
        return "disabled"
    return "paused" if source.paused_until and source.paused_until > now else ""


def next_try(facts: SourceFacts, why: str, now: datetime) -> datetime | None:
    """None for what is off for good; a pause and a rest are waited for."""
    if facts.next_try is None or why not in {"", "paused"}:
        return None
    return max(filter(None, [facts.next_try, facts.cooling_until, facts.source.paused_until, now]))


def worst(series: Sequence[SeriesState], trouble: Trouble | None, *, rests: bool) -> State:
    """A series without anything beside others that are here is still being loaded."""
    states = {one.state for one in series}
    if State.PENDING in states and len(states) > 1:
        states = states - {State.PENDING} | {State.FILLING}
    found = max(states, key=SEVERITY.index, default=State.PENDING)
    asked = found == State.FAILED and trouble is not None and trouble.reason in ASKED_TO_WAIT
    harmless = asked or SEVERITY.index(found) < SEVERITY.index(State.FILLING)
    return State.COOLING if rests and harmless and not any(one.is_behind for one in series) else found


def worst_trouble(troubles: Iterable[Trouble | None]) -> Trouble | None:
    """That of a source that cannot be reached before any other; of equals the one that began first."""
    return min(filter(None, troubles), key=lambda one: (not one.unreachable, one.since), default=None)


def judge_series(facts: SeriesFacts, now: datetime) -> SeriesState:
    """What is being loaded is not behind; what failed before anything came is."""
    age = age_state(facts, now)
    state = State.FAILED if facts.trouble else State.FILLING if facts.filling else age
    is_behind = state == State.STALE or (state == State.FAILED and age in {State.STALE, State.PENDING})
    return SeriesState(facts, state, is_behind, is_ahead(facts, now))


def age_state(facts: SeriesFacts, now: datetime) -> State:
    """By the age of the newest figure alone."""
    if facts.complete:
        return State.OK
    if facts.timetable is None:
        return poll_state(facts, now)
    if facts.newest is None:
        return State.PENDING
    late, missing = facts.timetable.due(now)
    if missing and facts.newest < missing:
        return State.STALE
    return State.LATE if late and facts.newest < late else State.OK


def poll_state(facts: SeriesFacts, now: datetime) -> State:
    since = facts.figures_at or facts.waiting
    if not isinstance(since, datetime):
        return State.PENDING
    if now - since > timedelta(seconds=PATIENCE * facts.every) + START:
        return State.STALE
    return State.OK if facts.newest else State.PENDING


def is_ahead(facts: SeriesFacts, now: datetime) -> bool:
    """Whether its newest moment lies in the future: the clock was wrong then, or is now."""
    if isinstance(facts.newest, datetime):
        return facts.newest - now > SKEW
    return facts.newest is not None and not facts.complete and facts.newest > now.date() + timedelta(days=1)
