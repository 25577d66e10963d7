"""What a pass wrote of one series, for those who are told."""

from typing import NamedTuple

from markets.models import Instrument
from signals.models import Signal


class Written(NamedTuple):
    """`rows` decisions of a rule; `newest` is the one of the newest bar, where it is at hand."""

    instrument: Instrument
    rule: str
    timeframe: str
    rows: int
    newest: Signal | None = None
