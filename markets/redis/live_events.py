"""What `live` sends to those who listen: one channel, with the kind, the code and the licence of each event.

The channels of other programs (rates.ingested, asset:update:…) say neither whose figures they tell of nor who may know:
their JSON is a contract. Their messages stand in the message log, so these do not.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec
from django.conf import settings

from markets.licence import Audience, may
from markets.models import Job
from markets.redis import client as redis_client
from markets.redis.pubsub import JSON

if TYPE_CHECKING:
    import redis

CHANNEL = "live.events"
Kind = Literal["rates", "prices", "signals", "jobs", "alerts"]
KINDS = frozenset(get_args(Kind))


class LiveEvent(msgspec.Struct, frozen=True):
    """`public`: whether the source lets the public API show it. `code` is that of the instrument; a job has none."""

    kind: Kind
    name: str
    public: bool
    data: msgspec.Raw
    code: str = ""


def event(kind: Kind, name: str, data: dict[str, Any], public: bool, code: str = "") -> LiveEvent:
    return LiveEvent(kind, name, public, msgspec.Raw(JSON.encode(data)), code)


def send(events: Iterable[LiveEvent]) -> None:
    """In one round trip; nothing depends on it."""
    bodies = [msgspec.json.encode(one) for one in events] if settings.REDIS_URL else []

    def publish(client: "redis.Redis") -> None:
        pipe = client.pipeline(transaction=False)
        for body in bodies:
            pipe.publish(redis_client.name(CHANNEL), body)
        redis_client.settle(pipe)

    if bodies:
        redis_client.ask(publish, None)


def job_ended(job: Job) -> None:
    """Its error is asked for at /jobs."""
    if not settings.REDIS_URL:
        return
    columns = ("job_type", "status", "reason", "trigger", "started_at", "finished_at", "rows_written")
    source = job.source
    data = {"id": job.pk, "source": source.code if source else None} | {name: getattr(job, name) for name in columns}
    send([event("jobs", "jobs.ended", data, source is None or may(source, Audience.API))])
