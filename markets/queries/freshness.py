"""The freshness of the official rates, judged from facts without a query."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import NamedTuple

from django.utils.translation import gettext as _

from markets.clock import WARSAW
from markets.models import Job
from markets.queries import calendars

# The NBP publishes table A between 11:45 and 12:15; the miner polls every ten minutes until 12:45.
PUBLISHED_BY = time(12, 15)
POLLED_UNTIL = time(12, 45)
OFFICIAL = "nbp"


class State(StrEnum):
    TODAY = "today"  # today's table is in
    EXPECTED = "expected"  # a working day before noon: yesterday's table is the newest there can be
    CLOSED = "closed"  # no publication today
    LATE = "late"  # today's table should be published by now, and the miner is still polling
    STALE = "stale"  # a table is missing
    EMPTY = "empty"  # no table at all


@dataclass(frozen=True, slots=True)
class LatestPublication:
    """The newest table A; `number` and `fetched_at` are set only for the official one."""

    day: date
    source: str
    name: str
    edition: str = ""
    official: bool = True
    number: str = ""
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the last run failed, and since when every run has failed."""

    reason: str
    label: str
    since: datetime

    @property
    def unreachable(self) -> bool:
        return self.reason == Job.Reason.UNREACHABLE


@dataclass(slots=True)
class SourceRow:
    """What a page says of a source; slots that can be set, as `markets.licence.Licensed` has them."""

    code: str
    name: str
    attribution: str
    licence: str
    available: bool
    public_display: bool


class OpenProblem(NamedTuple):
    kind: str
    subject: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What `judge` needs to know, read from the database."""

    newest: LatestPublication | None = None
    trouble: Trouble | None = None
    backfill: Job | None = None
    next_try: datetime | None = None
    enabled: bool = True
    paused_until: datetime | None = None
    sources: tuple[SourceRow, ...] = ()
    problems: tuple[OpenProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """The judgement; a daily rate of a day before `fresh_from` is stale."""

    now: datetime
    facts: Facts
    state: State
    closed_by: str
    missing: int
    next_day: date
    fresh_from: date

    @property
    def light(self) -> str:
        """One of good, busy, warn, bad: the colour of the dot, which always stands beside a text."""
        behind = self.archive or self.state in {State.LATE, State.STALE, State.EMPTY}
        if self.facts.trouble:
            return "bad" if behind else "warn"
        if self.facts.backfill or self.state in {State.LATE, State.EMPTY}:
            return "busy"
        return "warn" if behind else "good"

    @property
    def archive(self) -> bool:
        """Whether the newest rates are the archive's."""
        return self.facts.newest is not None and not self.facts.newest.official

    @property
    def next_try(self) -> datetime | None:
        """When the next run begins; None also for one that is due: the scheduler of django-q2 starts it within 30 s."""
        due = self.facts.next_try
        return due if due and due > self.now else None

    @property
    def starting(self) -> bool:
        """Whether the next run is due and begins any moment."""
        return self.facts.next_try is not None and self.next_try is None

    @property
    def until(self) -> datetime:
        """When the first sentence of this judgement turns: midnight, an hour of the NBP, a next try, a pause's end."""
        local = self.now.astimezone(WARSAW)
        hours = [datetime.combine(local.date(), hour, WARSAW) for hour in (PUBLISHED_BY, POLLED_UNTIL)]
        turns = [*hours, calendars.midnight_after(self.now), self.facts.next_try, self.facts.paused_until]
        return min(turn for turn in turns if turn and turn > self.now)


def judge(facts: Facts, now: datetime) -> Freshness:
    local = now.astimezone(WARSAW)
    today, hour = local.date(), local.time()
    working = calendars.is_working(today)
    due = today if working and hour >= PUBLISHED_BY else calendars.last_working(today - calendars.DAY)
    asking = working and PUBLISHED_BY <= hour < POLLED_UNTIL
    newest = facts.newest.day if facts.newest else None
    missing = calendars.working_days(newest, due) if newest else 0
    return Freshness(
        now=now,
        facts=facts,
        state=state_of(newest, today, hour, missing),
        closed_by=closed_by(today),
        missing=missing,
        next_day=today if working and newest != today and hour < POLLED_UNTIL else calendars.next_working(today),
        fresh_from=calendars.last_working(due - calendars.DAY) if asking else due,
    )


def closed_by(today: date) -> str:
    """The holiday or weekend day that closes the NBP today; empty on a working day."""
    weekend = {5: _("sobota"), 6: _("niedziela")}.get(today.weekday(), "")
    return calendars.holiday(today) or weekend


def state_of(newest: date | None, today: date, hour: time, missing: int) -> State:
    if newest is None:
        return State.EMPTY
    if newest >= today:
        return State.TODAY
    if missing == 0:
        return State.EXPECTED if calendars.is_working(today) else State.CLOSED
    only_today = missing == 1 and calendars.is_working(today) and PUBLISHED_BY <= hour < POLLED_UNTIL
    return State.LATE if only_today else State.STALE
