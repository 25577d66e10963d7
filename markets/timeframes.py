"""The stretches of time that candles cover, all of them laid out from 1970 in UTC, and what is missing between them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

SECONDS = {"5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400}


@dataclass(frozen=True, slots=True)
class Gap:
    """Candles that are missing between two that are there: the first and the last of them, and how many they are."""

    first: datetime
    last: datetime
    missing: int


def start_of(moment: datetime, seconds: int) -> datetime:
    """When the stretch began that the moment lies in."""
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)


def on_grid(moment: datetime, seconds: int) -> bool:
    return moment.microsecond == 0 and int(moment.timestamp()) % seconds == 0


def holes(times: Iterable[datetime], seconds: int) -> Iterator[Gap]:
    """What is missing between neighbours; the times ascend."""
    step = timedelta(seconds=seconds)
    for before, after in pairwise(times):
        if after - before > step:
            yield Gap(before + step, after - step, (after - before) // step - 1)
