"""What other modules and programs hear: a Django signal inside the transaction, a Redis message after the work.

Nothing depends on either arriving: the open `OutboxEvent` rows are the truth. Without Redis, or with Redis down, there
is a warning and nothing else. The channels and their JSON are a contract with other programs (docs/technical.md).
"""

from datetime import date

from django.conf import settings
from django.dispatch import Signal

from markets.models import Job
from markets.redis import pubsub

# Sent inside the transaction that wrote the rows; arguments: job, None where Redis told of rows of another program, and
# `kinds` of the outbox rows where they are known.
ingested = Signal()
# Sent when a job has ended, however it ended; arguments: job, None where several were given up at once.
ended = Signal()
# Sent in the transaction that promised an answer; arguments: job (waiting), symbol, name, aliases.
asset_wanted = Signal()


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
    return pubsub.publish(settings.REDIS_PUBSUB_CHANNEL_RATES, messages(job), "market-data")


def decided(asset: str, rule: str, timeframe: str, as_of: date, signal: str, rows: int) -> int:
    """Publish `signals.updated`: `rows` decisions of one instrument were written, the newest is `signal` of `as_of`."""
    body = {
        "asset": asset,
        "rule": rule,
        "timeframe": timeframe,
        "as_of": as_of.isoformat(),
        "signal": signal,
        "rows": rows,
    }
    return pubsub.publish(settings.REDIS_PUBSUB_CHANNEL_SIGNALS, [body], "ta-service", "signal")
