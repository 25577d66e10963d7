"""The back-off from a source: what its failure means for the next request."""

import logging
from datetime import timedelta

from markets import clock
from markets.models import Source
from miner.fetch import cooldown, rate_limit
from miner.fetch.errors import Blocked, Misconfigured, ProviderError, Unreachable

logger = logging.getLogger(__name__)

# A country that is blocked today is blocked in a minute as well.
DAY = timedelta(days=1)
BAD_REQUEST, TOO_MANY = 400, 429


def is_final(error: Unreachable) -> bool:
    """Whether a failed poll is left to the next one: that comes soon, and others need the worker."""
    return error.nobody or error.status == TOO_MANY


def back_off(source: Source, error: ProviderError, rest: bool = True) -> None:
    """Leave a source alone that asked for it, that cannot be reached, or that does not serve this country."""
    if isinstance(error, rate_limit.Exhausted | Misconfigured):  # the source has no part in it
        return
    if isinstance(error, Blocked):
        Source.objects.filter(pk=source.pk).update(paused_until=clock.now() + DAY)
        logger.warning("%s does not serve this country (451); asked again in a day", source.code)
    elif wait := getattr(error, "retry_after", None):
        cooldown.block(source, wait)
    elif rest and getattr(error, "status", 0) != BAD_REQUEST:  # that is about what was asked for, not about them
        cooldown.failed(source)
