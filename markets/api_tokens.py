"""The tokens of clients: made, used, revoked. What they may do is in `markets.access`."""

import logging
import secrets
from datetime import timedelta

from django.db import Error
from django.db.models import Q

from markets import clock
from markets.access import hash_of
from markets.jobs.redact import TOKEN_START
from markets.models import ApiToken
from markets.store.brief_write import brief_write

logger = logging.getLogger(__name__)

TOKEN_BYTES = 32
SHOWN = 12
# One write a minute says well enough whether a token is in use.
NOTED_EVERY = timedelta(minutes=1)


def create(name: str, scopes: list[str]) -> tuple[ApiToken, str]:
    """The row, and the token, which cannot be had from the row."""
    token = TOKEN_START + secrets.token_urlsafe(TOKEN_BYTES)
    row = ApiToken(name=name, scopes=scopes, prefix=token[:SHOWN], hash=hash_of(token), created_at=clock.now())
    row.save()
    return row, token


def note_use(row: int) -> None:
    """Never at the cost of the answer: a database that is locked, full or away is noted by nobody this time."""
    now = clock.now()
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
    rows = ApiToken.objects.filter(due, pk=row)
    try:
        if rows.exists():
            with brief_write():
                rows.update(last_used_at=now)
    except Error as error:
        logger.warning(
            "The use of token %s could not be noted: %s", row, type(error).__name__, extra={"cause": "use of tokens"}
        )
