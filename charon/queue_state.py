"""The task queues, as `/status` and the front page of the admin judge them: the last beat, and what waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _
from django_q.models import OrmQ

from charon.processes import queue_heartbeat
from markets import formats


@dataclass(frozen=True, slots=True)
class QueueState:
    """`beaten` is the last sign of life on this machine: another machine's are not seen here.

    `oldest` is since when the longest waiting of the due tasks waits.
    """

    key: str
    waiting: int
    oldest: datetime | None
    beaten: datetime | None
    is_stuck: bool

    @property
    def name(self) -> str:
        if settings.MINER_QUEUE == settings.BRAIN_QUEUE:
            return _("Kolejka zadań")
        return _("Kolejka pobierania") if self.key == settings.MINER_QUEUE else _("Kolejka sygnałów")

    @property
    def light(self) -> str:
        return "muted" if self.beaten is None else "bad" if self.is_stuck else "good"

    @property
    def words(self) -> str:
        if self.beaten is None:
            return _("brak pomiaru na tej maszynie")
        return _("nie bierze zadań od %s") % formats.moment(self.beaten) if self.is_stuck else _("działa")

    @property
    def turns_at(self) -> datetime | None:
        """When a queue that works would be called stuck."""
        return None if self.beaten is None or self.is_stuck else self.beaten + LIMIT


LIMIT = timedelta(seconds=queue_heartbeat.LIMIT)


def queues(now: datetime) -> list[QueueState]:
    """One statement."""
    due = Min("lock", filter=Q(lock__lte=now))
    rows = OrmQ.objects.order_by().values_list("key").annotate(count=Count("pk"), oldest=due)
    waiting = {key: (count, oldest) for key, count, oldest in rows}
    keys = dict.fromkeys((settings.MINER_QUEUE, settings.BRAIN_QUEUE))
    return [queue(key, *waiting.get(key, (0, None)), now) for key in keys]


def queue(key: str, waiting: int, oldest: datetime | None, now: datetime) -> QueueState:
    beaten = queue_heartbeat.last_beat(key)
    last = datetime.fromtimestamp(beaten / 1e9, now.tzinfo) if beaten else None
    return QueueState(key, waiting, oldest, last, last is not None and now - last > LIMIT)
