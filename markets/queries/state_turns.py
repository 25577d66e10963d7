"""When what is said of a source turns by the clock alone, and when its next table is expected."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from markets.clock import SKEW, WARSAW
from markets.queries.calendars import DAY, LONGEST_LOOK, WEEKLY_PAUSE, Timetable, midnight_after
from markets.queries.source_state import PATIENCE, START, SeriesState, SourceState, State

# The latest deadline of a table lies 36 h after its day began.
YESTERDAY_AND_ON = range(-1, 2)


@dataclass(frozen=True, slots=True)
class Expected:
    """The next table that is not here: from `start` on it may come, at `end` it is missing.

    Without documented hours `start` is the begin of its day and `has_hours` false.
    """

    series: str
    day: date
    start: datetime
    end: datetime
    has_hours: bool


def first_turn(states: Iterable[SourceState], now: datetime) -> datetime:
    """The first moment at which a judgement of these may become another one without new data."""
    return min(moment for moment in (midnight_after(now), *turns(states, now)) if moment > now)


def turns(states: Iterable[SourceState], now: datetime) -> Iterator[datetime]:
    for state in states:
        yield from filter(None, (state.source.paused_until, state.cooling_until, state.next_try))
        for one in state.series:
            yield from series_turns(one, now)


def series_turns(one: SeriesState, now: datetime) -> Iterator[datetime]:
    facts = one.facts
    if isinstance(facts.newest, datetime):
        yield facts.newest - SKEW
    if facts.timetable is None:
        since = facts.figures_at or facts.waiting
        if isinstance(since, datetime):
            yield since + timedelta(seconds=PATIENCE * facts.every) + START
        return
    today = now.astimezone(WARSAW).date()
    for day in (today + DAY * number for number in YESTERDAY_AND_ON):
        yield begin_of(facts.timetable, day)
        yield from facts.timetable.deadlines(day)


def begin_of(table: Timetable, day: date) -> datetime:
    return datetime.combine(day, table.start or time(), WARSAW)


def next_table(state: SourceState, now: datetime) -> Expected | None:
    """The first that is expected, of one day that with known hours; None for what is off or has no timetable."""
    if state.state == State.OFF:
        return None
    found = filter(None, (next_of(one, now) for one in state.series))
    return min(found, key=lambda one: (one.day, not one.has_hours, one.start, one.series), default=None)


def next_of(one: SeriesState, now: datetime) -> Expected | None:
    facts, table = one.facts, one.facts.timetable
    if table is None or facts.complete or table.longest_pause > WEEKLY_PAUSE:
        return None
    today = now.astimezone(WARSAW).date()
    newest = facts.newest if facts.newest and not isinstance(facts.newest, datetime) else today - DAY * 2
    for day in (today + DAY * number for number in range(-1, LONGEST_LOOK)):
        _late, end = table.deadlines(day)
        if day > newest and end > now and table.publishes(day):
            return Expected(facts.name, day, begin_of(table, day), end, table.start is not None)
    return None
