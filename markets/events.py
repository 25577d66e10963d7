"""What other rooms and outsiders hear: a Django signal inside the transaction, a Redis message after the work.

Nothing depends on either arriving: the open `Ingest` rows are the truth. Without Redis, or with Redis down, there is
a warning and nothing else.
"""

import json
import logging

import redis
from django.conf import settings
from django.dispatch import Signal
from redis.backoff import NoBackoff
from redis.retry import Retry

from markets.models import Ingest, Job

logger = logging.getLogger(__name__)

# Sent inside the transaction that wrote the figures; arguments: job.
ingested = Signal()
# Sent when a job has ended, however it ended; arguments: job, None where several were given up at once.
ended = Signal()

REDIS_SECONDS = 2


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
    bodies = [json.dumps(message(row)) for row in job.ingests.select_related("instrument")]
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            pipe = client.pipeline(transaction=False)
            for body in bodies:
                pipe.publish(settings.REDIS_PUBSUB_CHANNEL_RATES, body)
            pipe.execute()
    except (redis.RedisError, OSError) as error:
        logger.warning("Redis is out of reach, nobody outside was told of job %s: %s", job.pk, type(error).__name__)
        return 0
    return len(bodies)
