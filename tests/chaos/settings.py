"""The settings of an installation under faults: shortened histories, and a clock that the test moves.

CHAOS_CLOCK names a file with the seconds that this installation's clock is ahead of the machine's; CHAOS_FIRST is the
first day of all histories, CHAOS_ARCHIVE that of the archive, CHAOS_TABLES the NBP's tables. With CHAOS_HURRY=1 all
waits are shorter (`tests.chaos.hurry`).
"""

import os
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from django.utils import timezone

from charon.settings import *  # noqa: F403
from charon.settings import BRAIN_QUEUE, INSTALLED_APPS, Q_CLUSTER, SQLITE
from markets import clock
from miner.providers.base import TableSeries
from miner.providers.ecb import ECB
from miner.providers.nbp import NBP
from miner.providers.nbp_archive import NBPArchive

FIRST = date.fromisoformat(os.environ["CHAOS_FIRST"])
ARCHIVE_FIRST = date.fromisoformat(os.environ["CHAOS_ARCHIVE"])
TABLES = os.environ["CHAOS_TABLES"].split(",")
CLOCK = Path(os.environ["CHAOS_CLOCK"])
machine_now = timezone.now


def moved_now() -> datetime:
    return machine_now() + timedelta(seconds=float(CLOCK.read_text() or 0))


def shortened(series: TableSeries) -> TableSeries:
    return replace(series, first=max(series.first, FIRST), window=31)


timezone.now = clock.now = moved_now
NBP.series = tuple(shortened(one) for one in NBP.series if one.table in TABLES)  # type: ignore[assignment]
ECB.series = tuple(map(shortened, ECB.series))  # type: ignore[assignment]
NBPArchive.series = tuple(replace(one, first=ARCHIVE_FIRST) for one in NBPArchive.series)  # type: ignore[assignment]

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.hurry.Hurry"]
HURRY = os.environ["CHAOS_HURRY"] == "1"
if HURRY:
    PACE = {"timeout": 20, "retry": 25}
    Q_CLUSTER = Q_CLUSTER | PACE
    if not SQLITE:
        Q_CLUSTER["ALT_CLUSTERS"] = {BRAIN_QUEUE: {"workers": 2, "max_rss": 400_000, **PACE}}
    TASK_WORK = timedelta(seconds=5)
