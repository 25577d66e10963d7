"""One poll and its grid, and how the polls that are due come into the queue; which there are, `polls` says."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from markets import clock
from markets.models import Source
from miner.models import Poll
from miner.providers.base import CandleSource
from miner.slices import LONGEST_WORK

MINUTE = 60
# Candles of an hour and more change slowly: S3-05.
CANDLE_SECONDS = {"1h": 120, "4h": 300}


@dataclass(frozen=True, slots=True)
class PollJob:
    """One poll: its name is also the group of its task, and of its schedule if it has one."""

    name: str
    func: str
    args: tuple[Any, ...]
    every: int
    cooling_until: datetime | None = None

    @property
    def is_scheduled(self) -> bool:
        """Whether the queue's scheduler starts it, and not pulse."""
        return self.every >= MINUTE

    def next(self, now: datetime) -> datetime:
        """The first moment of its grid after `now`, and after the pause of its source."""
        now = max(now, self.cooling_until or now)
        return datetime.fromtimestamp((int(now.timestamp()) // self.every + 1) * self.every, UTC)


def candle_polls(source: Source, provider: CandleSource, func: str) -> list[PollJob]:
    """One for each timeframe; `func` is the name of their task."""
    polls = []
    for timeframe in provider.timeframes:
        every = whole_minutes(max(CANDLE_SECONDS.get(timeframe, 0), source.polling_interval))
        polls.append(PollJob(f"{source.code}.candles.{timeframe}", func, (source.code, timeframe), every))
    return polls


def whole_minutes(seconds: int) -> int:
    """Seconds as they can be kept. A schedule counts whole minutes: 90 s become 2 min, for a source is never asked
    faster than its operator allows.
    """
    return seconds if seconds < MINUTE else ceil(seconds / MINUTE) * MINUTE


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

    Nor is one whose worker was killed: the queue delivers it again only after five minutes, too long for a poll.
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
