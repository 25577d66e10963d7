"""The status page as metrics: what it judges is read by the same function, `charon.pages.status_facts.read`."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings
from prometheus_client.metrics_core import Metric

from charon import detection
from charon.metric_families import Sample, age, counter, gauge, single
from charon.pages import status_facts
from charon.pages.status_facts import SourceStatus, Status
from charon.queue_state import QueueState
from markets import problems
from markets.queries.source_state import SeriesState, SourceState, State
from markets.redis import client as redis_client
from miner.models import Spent

# A table that has been missing for longer is not counted on.
MOST_MISSED = 366


def read(_now: datetime) -> Iterator[Metric]:
    """The moment is that of the judgement."""
    status = status_facts.read()
    yield gauge("charon_build_info", "1; the release is in the label.", ["version"], [([settings.VERSION], 1)])
    yield single("charon_ok", "1 while the status page says that all is well.", status.is_ok)
    yield problems_gauge(status)
    yield from sources(status)
    yield from queues(status.queues, status.now)
    yield from redis(status)
    yield single("charon_disk_free_bytes", "Room on the disk of the data.", detection.free_bytes())


def problems_gauge(status: Status) -> Metric:
    counts = Counter(one.kind for one in status.problems)
    samples = [([kind], float(counts[kind])) for kind in sorted(problems.KINDS)]
    return gauge("charon_problems_open", "Open problems by their kind.", ["kind"], samples)


def sources(status: Status) -> Iterator[Metric]:
    states, now = [one.state for one in status.sources], status.now
    yield state_gauge(states)
    yield gauge(
        "charon_source_last_success_age_seconds", "Since when a source has not answered.", ["source"],
        [([one.source.code], age(one.last_success, now)) for one in states if one.last_success],
    )  # fmt: skip
    yield age_gauge(states, now)
    yield gauge(
        "charon_series_behind", "1 while figures are missing that should be here.", ["source", "series"],
        [(labels, float(one.is_behind)) for labels, one in series_of(states)],
    )  # fmt: skip
    yield gauge(
        "charon_publications_missed", "Tables that should have come since the newest one.", ["source", "series"],
        [(labels, float(missed(one, now))) for labels, one in series_of(states) if one.facts.timetable],
    )  # fmt: skip
    yield from budgets(status.sources)


def state_gauge(states: Iterable[SourceState]) -> Metric:
    samples = [([one.source.code, state], float(one.state == state)) for one in states for state in State]
    return gauge("charon_source_state", "1 for the state that the source is in.", ["source", "state"], samples)


def series_of(states: Iterable[SourceState]) -> Iterator[tuple[list[str], SeriesState]]:
    """Of sources that are asked; of one that is off nothing is missing."""
    for one in states:
        if one.state != State.OFF:
            yield from (([one.source.code, series.facts.name], series) for series in one.series)


def age_gauge(states: Iterable[SourceState], now: datetime) -> Metric:
    """Of a table by the begin of its day in UTC; negative where the clock went wrong."""
    samples: list[Sample] = []
    for one in states:
        for series in one.series:
            newest = series.facts.figures_at
            if newest is not None:
                moment = newest if isinstance(newest, datetime) else datetime.combine(newest, datetime.min.time(), UTC)
                samples.append(([one.source.code, series.facts.name], age(moment, now)))
    text = "Age of the newest table, or of what the newest answered poll brought."
    return gauge("charon_newest_data_age_seconds", text, ["source", "series"], samples)


def missed(one: SeriesState, now: datetime) -> int:
    """At least one where the judgement is that figures are missing."""
    table, newest = one.facts.timetable, one.facts.newest
    if table is None or not one.is_behind:
        return 0
    _late, last = table.due(now)
    if last is None or newest is None or isinstance(newest, datetime):
        return 1
    days = (newest + timedelta(days=number) for number in range(1, min((last - newest).days, MOST_MISSED) + 1))
    return max(1, sum(table.publishes(day) for day in days))


def budgets(sources: Iterable[SourceStatus]) -> Iterator[Metric]:
    rows = [(one.state.source.code, one.budget, getattr(one.state.source, "spent", None) or Spent()) for one in sources]
    limited = [(code, budget) for code, budget, _spent in rows if budget.limit]
    yield gauge(
        "charon_call_budget_used", "Calls of the running window of a source.", ["source"],
        [([code], budget.used) for code, budget in limited],
    )  # fmt: skip
    yield gauge(
        "charon_call_budget_limit", "Calls that the source allows in a window.", ["source"],
        [([code], budget.limit) for code, budget in limited],
    )  # fmt: skip
    yield counter(
        "charon_source_calls", "Calls that went to a source.", ["source"],
        [([code], spent.total_calls) for code, _budget, spent in rows],
    )  # fmt: skip
    yield counter(
        "charon_source_waits", "Calls that had to wait for the budget of a source.", ["source"],
        [([code], spent.total_waits) for code, _budget, spent in rows],
    )  # fmt: skip


def queues(found: Iterable[QueueState], now: datetime) -> Iterator[Metric]:
    """Both targets say it: whoever reads one of them knows whether tasks are taken."""
    found = list(found)
    yield gauge(
        "charon_queue_tasks", "Tasks in the queue.", ["queue"], [([one.key], one.waiting) for one in found]
    )  # fmt: skip
    yield gauge(
        "charon_queue_oldest_seconds", "For how long the first of them has been due.", ["queue"],
        [([one.key], age(one.oldest, now)) for one in found],
    )  # fmt: skip
    yield gauge(
        "charon_queue_stuck", "1 while the cluster on this machine takes no tasks.", ["queue"],
        [([one.key], float(one.is_stuck)) for one in found if one.beaten],
    )  # fmt: skip


def redis(status: Status) -> Iterator[Metric]:
    """No samples where there is none."""
    up = None if status.redis == "off" else float(status.redis == "ok")
    latency = None
    if up:
        started = time.perf_counter()
        redis_client.state()
        latency = time.perf_counter() - started
    yield single("charon_redis_up", "1 while this process reaches Redis.", up)
    yield single("charon_redis_ping_seconds", "Time of a PING to Redis.", latency)
