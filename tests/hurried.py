"""Settings with a short history and short pauses, for tests with many faults within a minute.

A task works for 5 s instead of 40; one whose worker died is delivered again after 20 s instead of 300.
"""

import sys
from datetime import timedelta

from charon.settings import *  # noqa: F403
from charon.settings import BRAIN_QUEUE, Q_CLUSTER
from miner.providers.nbp import NBP
from tests.short_nbp import shortened

NBP.series = shortened(NBP.series)  # type: ignore[assignment]  # three tables and not four
PACE = {"timeout": 15, "retry": 20}
Q_CLUSTER = Q_CLUSTER | PACE | {"ALT_CLUSTERS": {BRAIN_QUEUE: {"workers": 2, "max_rss": 400_000, **PACE}}}
TASK_WORK = timedelta(seconds=5)


def up() -> None:
    """`manage.py up` that detects a dead queue after 15 s and restarts processes without a limit."""
    import django

    django.setup()

    from django.core.management import call_command

    from charon.processes import child_process, queue_heartbeat

    queue_heartbeat.INTERVAL, queue_heartbeat.LIMIT = 2.0, 15.0
    child_process.MAX_DELAY, child_process.MAX_RESTARTS = 2.0, sys.maxsize
    call_command("up")
