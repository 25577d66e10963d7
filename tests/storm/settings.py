"""Charon's settings with a clock of the storm's own: the seconds in the file STORM_CLOCK.

A step of the storm is a minute of that clock and some milliseconds of the machine's. What waits by the machine's clock
(an answer that does not come) is shortened, and leases, which end by the storm's, are lengthened.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.utils import timezone

from charon.settings import *  # noqa: F403
from markets import clock

CLOCK = Path(os.environ["STORM_CLOCK"])
ANSWER_SECONDS = 0.5
EVALUATION_LEASE, DELIVERY_LEASE, TURN_LEASE = timedelta(minutes=3), timedelta(minutes=30), timedelta(minutes=3)


def storm_now() -> datetime:
    return datetime.fromtimestamp(float(CLOCK.read_text()), UTC)


timezone.now = clock.now = storm_now
