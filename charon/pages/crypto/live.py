"""Where the scripts of these pages listen for new candles."""

from django.conf import settings

from charon.api.addresses import STREAM

KINDS = "prices"


def stream() -> str:
    """The address of the stream of events; empty without Redis, where pages ask again by themselves."""
    return f"{STREAM}?kinds={KINDS}" if settings.REDIS_URL else ""
