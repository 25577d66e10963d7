"""The timeframes of candles: their lengths, their grid, and the gaps between candles.

The grid begins in 1970, in UTC.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

SECONDS = {"5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400}


@dataclass(frozen=True, slots=True)
class Gap:
    """The missing candles between two stored ones: the first and last open time, and their number."""

    first: datetime
    last: datetime
    missing: int


def start_of(moment: datetime, seconds: int) -> datetime:
    """The open time of the candle that contains the moment."""
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)


def on_grid(moment: datetime, seconds: int) -> bool:
    return moment.microsecond == 0 and int(moment.timestamp()) % seconds == 0


def holes(times: Iterable[datetime], seconds: int) -> Iterator[Gap]:
    """The gaps between neighbouring open times, which must ascend."""
    step = timedelta(seconds=seconds)
    for before, after in pairwise(times):
        if after - before > step:
            yield Gap(before + step, after - step, (after - before) // step - 1)
