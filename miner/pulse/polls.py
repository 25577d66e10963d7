"""What is asked again and again: which polls there are, who starts each of them, and how they are doing.

A poll every 60 s or slower is an entry in the timetable of the queue (`miner.schedule`), whose scheduler looks every
half minute. A faster one is pulse's: pulse puts its task into the queue, and not while the one before is still open.
Every poll is started by exactly one of the two, and lies on a grid of its own length since 1970, so that none drifts
and two pulses would ask at the same moments.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings

from markets import clock
from markets.models import Source
from miner import sources
from miner.fetch import cooldown
from miner.models import Lease, Poll
from miner.providers import PROVIDERS
from miner.providers.base import CandleSource, QuoteSource
from miner.pulse import leases
from miner.pulse.grid import PollJob, candle_polls, whole_minutes

LEASE = "pulse"
# A holder that dies is followed within this time.
HELD = timedelta(seconds=20)


def polls_of(source: Source) -> list[PollJob]:
    """All polls of a source that gives prices or candles; its tables have hours of their own and are none."""
    provider, polls = sources.provider_of(source), []
    if isinstance(provider, QuoteSource) and not provider.rotating:
        every = whole_minutes(source.polling_interval)
        polls.append(PollJob(f"{source.code}.quotes", "miner.tasks.quotes", (source.code,), every))
    if isinstance(provider, CandleSource):
        polls += candle_polls(source, provider, "miner.tasks.candles")
    return polls


def queue_poll() -> PollJob:
    """The priority queue's, for all sources together."""
    return PollJob("batch.queue", "miner.tasks.work_queue", (), whole_minutes(settings.BATCH_QUEUE_INTERVAL_SECONDS))


def polls_of_all(rows: Iterable[Source]) -> list[PollJob]:
    """The polls of these sources, each with the moment until which its source is paused or cools down."""
    cooling = dict(cooldown.cooling_down().values_list("source", "blocked_until"))
    return [
        replace(poll, cooling_until=max(filter(None, [cooling.get(row.pk), row.paused_until]), default=None))
        for row in rows
        for poll in polls_of(row)
    ]


def wanted_polls(cooling: bool = False) -> list[PollJob]:
    """The polls of all sources that are on, the queue's among them; of those that cool down only with `cooling`."""
    now, rows = clock.now(), sources.runnable()
    polls = [poll for poll in polls_of_all(rows) if cooling or (poll.cooling_until or now) <= now]
    return [*polls, queue_poll()] if any(PROVIDERS[row.code].rotating for row in rows) else polls


def pulse_polls() -> list[PollJob]:
    """Those that pulse starts now."""
    return [poll for poll in wanted_polls() if not poll.is_scheduled]


def is_needed() -> bool:
    """Whether there is anything for pulse to do: a poll under a minute, or messages on Redis."""
    return bool(settings.REDIS_URL) or any(not poll.is_scheduled for poll in wanted_polls(cooling=True))


def expect(polls: Iterable[PollJob]) -> None:
    """Have a row for each of these; a new one counts as asked for now, so that one which never runs is late."""
    rows = [Poll(name=poll.name, every=poll.every, asked_at=clock.now()) for poll in polls]
    Poll.objects.bulk_create(rows, update_conflicts=True, unique_fields=["name"], update_fields=["every"])


def hold_lease(holder: str) -> bool:
    """Be the one pulse of this installation, or stay it; False while another is."""
    return leases.hold(LEASE, holder, HELD)


def release_lease(holder: str) -> None:
    leases.release(LEASE, holder)


def last_sign() -> datetime | None:
    """When the one pulse last renewed its lease: a row, since containers share no file. Now, where none is needed."""
    if not is_needed():
        return clock.now()
    until = Lease.objects.filter(name=LEASE).values_list("until", flat=True).first()
    return until and until - HELD
