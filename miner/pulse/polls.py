"""What comes every few seconds: which beats there are, who may ask for them, and which are due.

A beat is a task in the queue like any other; pulse only asks for it, and not while the one before is still open. Beats
lie on a grid of their own length since 1970, so that none drifts and two pulses would ask at the same moments.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from markets import clock
from miner import sources
from miner.batch import run as batch_run
from miner.models import Lease, Poll, Spent
from miner.providers.base import CandleSource, QuoteSource

LEASE = "pulse"
# A holder that dies is followed within this time.
HELD = timedelta(seconds=20)
# Candles of an hour and more change slowly: S3-05.
CANDLE_SECONDS = {"1h": 120, "4h": 300}
# As with SyncStatus: two may be missed and half a one be late.
LATE = 2.5
# A task is killed after 60 s, and may have waited behind another one of as long: later than this its worker is dead.
LONGEST_WORK = timedelta(seconds=130)
START = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class PollJob:
    """One beat: its name is also the group of its task."""

    name: str
    func: str
    args: tuple[Any, ...]
    every: int
    cooling_until: datetime | None = None

    def next(self, now: datetime) -> datetime:
        """The first moment of its grid after `now`, and after the rest of its source."""
        now = max(now, self.cooling_until or now)
        return datetime.fromtimestamp((int(now.timestamp()) // self.every + 1) * self.every, UTC)


def wanted_polls(resting: bool = False) -> list[PollJob]:
    """The beats of all sources that are on, the queue's among them; of those that rest only with `resting`."""
    polls = []
    rests = dict(Spent.objects.filter(blocked_until__gt=clock.now()).values_list("source", "blocked_until"))
    for source in sources.runnable():
        until = rests.get(source.pk)
        if until and not resting:
            continue
        provider = sources.provider_of(source)
        if isinstance(provider, QuoteSource) and not provider.rotating:
            every = source.polling_interval
            polls.append(PollJob(f"{source.code}.quotes", "miner.tasks.quotes", (source.code,), every, until))
        if isinstance(provider, CandleSource):
            for timeframe in provider.timeframes:
                every = max(CANDLE_SECONDS.get(timeframe, source.polling_interval), source.polling_interval)
                name = f"{source.code}.candles.{timeframe}"
                polls.append(PollJob(name, "miner.tasks.candles", (source.code, timeframe), every, until))
    if batch_run.batched():
        every = settings.BATCH_QUEUE_INTERVAL_SECONDS
        polls.append(PollJob("batch.queue", "miner.tasks.work_queue", (), every))
    return polls


def hold_lease(holder: str) -> bool:
    """Be the one pulse of this house, or stay it; False while another is."""
    now = clock.now()
    Lease.objects.get_or_create(name=LEASE)
    free = Lease.objects.filter(Q(holder=holder) | Q(until=None) | Q(until__lt=now), name=LEASE)
    return bool(free.update(holder=holder, until=now + HELD))


def release_lease(holder: str) -> None:
    Lease.objects.filter(name=LEASE, holder=holder).update(until=None, holder="")


def enqueue_due(polls: Iterable[PollJob]) -> list[str]:
    """Put these into the queue, but those whose task of before is still open; answers which."""
    polls = list(polls)
    busy = open_groups() if polls else set()
    asked = []
    for poll in polls:
        if poll.name in busy:
            continue
        async_task(poll.func, *poll.args, cluster=settings.MINER_QUEUE, group=poll.name)
        Poll.objects.update_or_create(name=poll.name, defaults={"every": poll.every, "asked_at": clock.now()})
        asked.append(poll.name)
    return asked


def open_groups() -> set[str]:
    """Groups of the tasks that wait or run; a row that cannot be read here is none.

    Nor is one whose worker was killed: the queue delivers it again only after five minutes, too long for a beat.
    """
    groups, delivered = set(), timedelta(seconds=Conf.RETRY)
    for row in OrmQ.objects.filter(key=settings.MINER_QUEUE):
        if row.lock.microsecond and clock.now() - (row.lock - delivered) > LONGEST_WORK:
            continue
        try:
            groups.add(str(SignedPackage.loads(row.payload).get("group")))
        except Exception:  # noqa: S112  another key, rubbish: the broker closes it
            continue
    return groups


def health() -> dict[str, Any]:
    """How every beat is doing; `late` when one that is wanted was not done for too long.

    That its source rests is no excuse: after failures it always does, and figures grow old meanwhile all the same.
    """
    now = clock.now()
    rows = {row.name: row for row in Poll.objects.all()}
    lease = Lease.objects.filter(name=LEASE).first()
    polls = [poll_health(poll, rows.get(poll.name), now) for poll in wanted_polls(resting=True)]
    late = any(poll["late"] for poll in polls)
    return {"status": "late" if late else "ok", "holder": lease.holder if lease else None, "beats": polls}


def poll_health(poll: PollJob, row: Poll | None, now: datetime) -> dict[str, Any]:
    done_at = row.done_at if row else None
    lag = (now - done_at).total_seconds() if done_at else None
    patience = LATE * poll.every + START.total_seconds()
    # Never done: its task waits since it was asked for, for a beat is not asked for twice.
    since = done_at or (row.asked_at if row else None)
    failing = row is not None and done_at is None and bool(row.error)
    return {
        "name": poll.name,
        "every_seconds": poll.every,
        "last_refresh": done_at,
        "next_refresh": poll.next(now),
        "lag_seconds": lag,
        "late": failing or (since is not None and (now - since).total_seconds() > patience),
        "error": row.error if row else "",
    }
