"""The signed address under which whoever received a message acknowledges its alert without logging in."""

from datetime import timedelta

from django.core import signing
from django.urls import reverse

SALT = "alerts.acknowledge"
LIFETIME = timedelta(days=7)


def path(event_id: int) -> str:
    """Of the page in the language in effect."""
    return reverse("acknowledge", args=[signing.dumps(event_id, salt=SALT)])


def event_of(token: str) -> int | None:
    """The number of the event; None for a token that is forged or older than a week."""
    try:
        event = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return None
    return event if isinstance(event, int) else None
