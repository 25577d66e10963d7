"""The clock of the browser tests: it runs on from a fixed day, the same on every machine."""

import os
import time
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from markets import clock

VARIABLE = "E2E_CLOCK"


def starting(moment: datetime) -> str:
    """The value of the variable for a clock that shows `moment` now: the seconds between it and the real time."""
    return repr(moment.timestamp() - time.time())


def turn() -> None:
    """Make this process, including its task queue, use that clock."""
    distance = timedelta(seconds=float(os.environ[VARIABLE]))
    timezone.now = clock.now = lambda: datetime.now(UTC) + distance
