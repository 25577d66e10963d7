"""What other modules and programs hear: a Django signal inside the transaction, a Redis message after the work.

Nothing depends on either arriving: the open `OutboxEvent` rows are the truth. Without Redis, or with Redis down, there
is a warning and nothing else. The channels and their JSON are a contract with other programs (docs/technical.md).
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.dispatch import Signal

from markets.licence import Audience, may
from markets.models import Job
from markets.redis import live_events, pubsub

# Sent inside the transaction that wrote the rows; arguments: job, None where Redis told of rows of another program, and
# `kinds` of the outbox rows where they are known.
ingested = Signal()
# Sent when a job has ended, however it ended; arguments: job, None where several were given up at once.
ended = Signal()
# Asks when pulse last showed that it lives; a receiver answers the moment, or None while no pulse does.
pulse_asked = Signal()
# Sent in the transaction that promised an answer; arguments: job (waiting), symbol, name, aliases.
asset_wanted = Signal()
# Sent when an answer stands on the archive; arguments: source (its official one), wanted, a list of (table, day).
publications_wanted = Signal()


def messages(job: Job) -> list[dict[str, object]]:
    """The bodies of `rates.ingested`: what the job brought for each instrument, days inclusive."""
    kind = "gold" if job.details.get("kind") == "metal" else job.details.get("kind")
    return [
        {"type": kind, "asset": code, "from": first, "to": last, "rows": rows, "job_id": job.pk}
        for code, (first, last, rows) in sorted(job.details.get("brought", {}).items())
    ]


def announce(job: Job) -> int:
    """Publish one message per instrument that the job brought; answers how many went out."""
    if not settings.REDIS_URL:
        return 0
    channel, bodies = settings.REDIS_PUBSUB_CHANNEL_RATES, messages(job)
    public = job.source is None or may(job.source, Audience.API)
    live_events.send(live_events.event("rates", channel, body, public, str(body["asset"])) for body in bodies)
    return pubsub.publish(channel, bodies, "market-data")


class Decision(NamedTuple):
    """`rows` decisions of one series were written, the newest is `signal` of `as_of`. `public`: whether the figures
    that they are made of may be shown by the public API.
    """

    asset: str
    rule: str
    timeframe: str
    as_of: date | datetime
    signal: str
    rows: int
    public: bool


def decided(decisions: Iterable[Decision]) -> int:
    """Publish `signals.updated` for each of these series, all in one round trip; answers how many went out."""
    channel = settings.REDIS_PUBSUB_CHANNEL_SIGNALS
    bodies, live = list[dict[str, Any]](), list[live_events.LiveEvent]()
    for one in decisions:
        body = one._asdict() | {"as_of": one.as_of.isoformat()}
        del body["public"]
        live.append(live_events.event("signals", channel, body, one.public, one.asset))
        bodies.append(body)
    live_events.send(live)
    return pubsub.publish(channel, bodies, "ta-service", "signal")
