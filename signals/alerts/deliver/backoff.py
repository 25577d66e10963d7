"""When a message that was not taken is tried again: moments since its first try, for a day."""

from datetime import datetime, timedelta
from uuid import UUID

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
# standardwebhooks.com, "Deliverability and reliability", with a first retry after seconds.
MOMENTS = (
    *(5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE),
    *(2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)
# Many messages of one outage spread over so much of the time; the same for all tries of one.
SPREAD = 0.2
# Between two tries after this installation itself was away, when moments have passed without a try.
CATCHING_UP = 10 * MINUTE
LONGEST_PAUSE = 24 * HOUR


def moment(key: UUID, tries: int, first: datetime) -> datetime | None:
    """When the next try follows so many; None after the last one, which never comes before a day is over."""
    if tries > len(MOMENTS):
        return None
    spread = MOMENTS[tries - 1] * factor(key)
    return first + (max(spread, MOMENTS[-1]) if tries == len(MOMENTS) else spread)


def factor(key: UUID) -> float:
    return 1 + SPREAD * (2 * (key.int % 1000) / 999 - 1)


def next_try(
    key: UUID, tries: int, first: datetime, now: datetime, retry_after: timedelta | None = None
) -> datetime | None:
    """The same after a failed try that ended now. What the receiver asked for counts where it is later."""
    planned = moment(key, tries, first)
    if planned is None:
        return None
    pause = MOMENTS[tries - 1] - (MOMENTS[tries - 2] if tries > 1 else timedelta(0))
    due = max(planned, now + min(pause / 2, CATCHING_UP))
    return due if retry_after is None else max(due, now + min(retry_after, LONGEST_PAUSE))
