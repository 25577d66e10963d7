"""A clock that runs on from a day of our choice: pictures and walks show the same day on every machine."""

import os
import time
from datetime import UTC, datetime, timedelta

from django.utils import timezone

VARIABLE = "E2E_CLOCK"


def starting(moment: datetime) -> str:
    """What the variable says for a clock that shows `moment` now: the seconds between it and the real time."""
    return repr(moment.timestamp() - time.time())


def turn() -> None:
    """Let every question for the time in this process be answered by that clock, those of the task queue too."""
    distance = timedelta(seconds=float(os.environ[VARIABLE]))
    timezone.now = lambda: datetime.now(UTC) + distance
