"""What other rooms and outsiders hear: a Django signal inside the transaction, a Redis message after the work.

Nothing depends on either arriving: the open `Ingest` rows are the truth. Without Redis, or with Redis down, there is
a warning and nothing else. The channels and their JSON are a contract with other programs (docs/technical.md).
"""

from datetime import date

from django.conf import settings
from django.dispatch import Signal

from markets.models import Ingest, Job
from markets.redis import client as redis_client

# Sent inside the transaction that wrote the figures; arguments: job, None where Redis told of figures of somebody else.
ingested = Signal()
# Sent when a job has ended, however it ended; arguments: job, None where several were given up at once.
ended = Signal()
# Sent in the transaction that promised an answer; arguments: job (waiting), symbol, name, aliases.
asset_wanted = Signal()


def message(ingest: Ingest) -> dict[str, object]:
    """The body of `rates.ingested`: what arrived for one instrument, days inclusive."""
    return {
        "type": "gold" if ingest.kind == "metal" else ingest.kind,
        "asset": ingest.instrument.code,
        "from": ingest.from_date.isoformat(),
        "to": ingest.to_date.isoformat(),
        "rows": ingest.rows,
        "job_id": ingest.job_id,
    }


def announce(job: Job) -> int:
    """Publish one message per instrument that the job brought; answers how many went out."""
    if not settings.REDIS_URL:
        return 0
    rows = job.ingests.select_related("instrument").order_by("instrument__code")
    return redis_client.publish(settings.REDIS_PUBSUB_CHANNEL_RATES, map(message, rows), "market-data")


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
    return redis_client.publish(settings.REDIS_PUBSUB_CHANNEL_SIGNALS, [body], "ta-service", "signal")
