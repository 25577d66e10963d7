"""What `/status/`, `/status.json` and `/status.txt` say, read and judged once; at most eight statements.

The judgements are those of the admin, `/health` and the metrics: `miner.source_states`, `charon.queue_state` and the
register of problems.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from charon import detection, queue_state
from charon.pages.problem_words import Open, recorded
from charon.queue_state import QueueState
from markets import clock, problems
from markets.models import Publication
from markets.problems import Fault
from markets.queries import job_days, state_turns
from markets.queries.job_days import Record
from markets.queries.source_state import SourceState, State
from markets.queries.state_turns import Expected
from markets.redis import client as redis_client
from miner import faults, source_facts, source_states
from miner.models import Spent
from miner.providers import PROVIDERS
from miner.source_facts import Budget

# Redis, the disk and the beats of the queues change without the database: nothing is kept for longer.
LONGEST = timedelta(seconds=15)
# What is told at once, as `/health` does; the register hears of it within a minute.
SEEN_AT_ONCE = {"source_stale", "source_failed", "redis", "disk"}
# The six states of a job monitor. What rests or is off was left out on purpose; what was never asked is waited for.
MACHINE = {
    State.OK: "ok", State.FILLING: "running", State.LATE: "late", State.PENDING: "late", State.FAILED: "failed",
    State.STALE: "stale", State.COOLING: "skipped", State.OFF: "skipped",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LastTable:
    """The newest table of a source; `delay` from the first moment at which it could be published to our fetching it.

    None where no hour is documented, and for what came with the history more than a week later.
    """

    series: str
    day: date
    fetched_at: datetime
    delay: timedelta | None


@dataclass(frozen=True, slots=True)
class SourceStatus:
    state: SourceState
    table: LastTable | None
    price_at: datetime | None
    expected: Expected | None
    budget: Budget
    record: Record

    @property
    def machine(self) -> str:
        return MACHINE[self.state.state]


@dataclass(frozen=True, slots=True)
class Status:
    """`until` is the first moment at which any of it may turn without news."""

    now: datetime
    until: datetime
    problems: tuple[Open, ...]
    sources: tuple[SourceStatus, ...]
    queues: tuple[QueueState, ...]
    redis: redis_client.State
    redis_lost_at: datetime | None

    @property
    def reasons(self) -> list[Open]:
        """What makes it NOT_OK: the same problems for which `/health?strict=1` answers 503."""
        return [one for one in self.problems if problems.is_unhealthy(one.kind)]

    @property
    def is_ok(self) -> bool:
        return not self.reasons

    @property
    def names(self) -> dict[str, str]:
        return {one.state.source.code: one.state.source.name for one in self.sources}


def read() -> Status:
    now = clock.now()
    states = source_states.states(now)
    redis, queues = redis_client.state(), queue_state.queues(now)
    moments = [state_turns.first_turn(states, now), now + LONGEST, *(one.turns_at for one in queues)]
    return Status(
        now=now,
        until=min(moment for moment in moments if moment and moment > now),
        problems=tuple(open_problems(states)),
        sources=tuple(source_statuses(states, now)),
        queues=tuple(queues),
        redis=redis,
        redis_lost_at=redis_client.connection.lost_at if redis == "unreachable" else None,
    )


def open_problems(states: list[SourceState]) -> list[Open]:
    """What the register has open, and of what can be seen without a question that which is so now; one statement."""
    known = recorded()
    since = {(one.kind, one.subject): one.opened_at for one in known}
    seen = [*faults.source_faults(states), *detection.redis_faults(), *detection.disk_faults()]
    return [*(told(fault, since) for fault in seen), *(one for one in known if one.kind not in SEEN_AT_ONCE)]


def told(fault: Fault, since: Mapping[tuple[str, str], datetime | None]) -> Open:
    return Open(fault.kind, fault.subject, since.get((fault.kind, fault.subject)))


def source_statuses(states: list[SourceState], now: datetime) -> Iterator[SourceStatus]:
    """Two statements: the newest tables, and the runs of 90 days."""
    tables, records = last_tables(states), job_days.records(now)
    for state in states:
        source = state.source
        record = records.get(source.pk) or Record()
        spent = getattr(source, "spent", None) or Spent(source=source)
        yield SourceStatus(
            state=state,
            table=tables.get(source.pk),
            price_at=newest_price(state),
            expected=state_turns.next_table(state, now) if is_scheduled(state) else None,
            budget=source_facts.budget(source, spent, record.requests_today, now),
            record=record,
        )


def is_scheduled(state: SourceState) -> bool:
    """Whether it is asked by a timetable: an archive that is a package comes with each start."""
    provider = PROVIDERS.get(state.source.code)
    return provider is not None and provider.scheduled


def newest_price(state: SourceState) -> datetime | None:
    """Of what the polls of a source brought last."""
    moments = (one.facts.figures_at for one in state.series if one.facts.every)
    return max((moment for moment in moments if isinstance(moment, datetime)), default=None)


def last_tables(states: Iterable[SourceState]) -> dict[int, LastTable]:
    """By source id, of its tables the newest; of equals the first that the provider names."""
    begins, wanted = {}, Q()
    for state in states:
        for place, one in enumerate(state.series):
            table, newest = one.facts.timetable, one.facts.newest
            if table is not None and newest is not None and not isinstance(newest, datetime):
                name = one.facts.name.partition(".")[2]
                begin = state_turns.begin_of(table, newest) if table.start else None
                begins[state.source.pk, name, newest] = (place, one.facts.name, begin)
                wanted |= Q(source=state.source.pk, table=name, effective_date=newest)
    found: dict[int, tuple[tuple[date, int], LastTable]] = {}
    columns = ("source_id", "table", "effective_date", "fetched_at")
    for source, name, day, fetched_at in Publication.objects.filter(wanted).values_list(*columns) if begins else ():
        place, series, begin = begins[source, name, day]
        row = LastTable(series, day, fetched_at, delay_of(fetched_at, begin))
        found[source] = max(found.get(source, ((date.min, 0), row)), ((day, -place), row), key=lambda one: one[0])
    return {source: row for source, (_order, row) in found.items()}


def delay_of(fetched_at: datetime, begin: datetime | None) -> timedelta | None:
    if begin is None or fetched_at - begin > timedelta(days=7):
        return None
    return max(fetched_at - begin, timedelta())
