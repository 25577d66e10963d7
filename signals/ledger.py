"""The rows of the decisions: which bars get one, and which row of a bar counts. Append-only."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from markets import clock
from markets.models import Instrument
from signals.models import DAILY, Signal, midnight
from signals.rules.rule import Rule
from signals.state import State

if TYPE_CHECKING:
    import pandas as pd

BUY, HOLD, SELL = Signal.Label.BUY, Signal.Label.HOLD, Signal.Label.SELL
LABELS = {1: BUY, 0: HOLD, -1: SELL}
PLACES = Decimal(1).scaleb(-10)
# Values with a column of their own: null in the rows of a rule that does not compute them.
COLUMNS = ("macd", "signal_line", "histogram")
SAME_BAR = {name: OuterRef(name) for name in ("instrument", "rule", "timeframe", "as_of")}


def newest_versions(**bars: Any) -> QuerySet[Signal]:
    """Of each bar the row that counts: the one that no higher version replaces."""
    newer = Signal.objects.filter(**SAME_BAR, version__gt=OuterRef("version"))
    return Signal.objects.filter(~Exists(newer), **bars)


def write(instrument: Instrument, rule: Rule, timeframe: str, frame: "pd.DataFrame", state: State, whole: bool) -> int:
    """History keeps its crossings and its newest day; days from the first run on keep every decision; candles keep
    BUY and SELL. A corrected bar whose decision changed gets a new version, and so does a crossing whose bar has left
    the series.
    """
    known = standing(instrument, rule, timeframe, None if whole else frame.index[0])
    decided = frame[frame["bars"] >= rule.warm_up]
    now = clock.now()
    rows = [
        signal_of(instrument, rule, timeframe, bar, state, version=known.get(bar.Index, (0, ""))[0] + 1, now=now)
        for bar in bars(decided[candidates(decided, timeframe, state, known)])
        if keeps(known.get(bar.Index), LABELS[bar.decision], timeframe)
    ]
    Signal.objects.bulk_create(rows, batch_size=500)
    gone = {as_of: row for as_of, row in known.items() if as_of not in decided.index}
    return len(rows) + retract(instrument, rule, timeframe, gone)


def candidates(decided: "pd.DataFrame", timeframe: str, state: State, known: Mapping[datetime, Any]) -> Any:
    """Which bars may get a row: a history of 8,000 has some 600 of them."""
    wanted = (decided["decision"] != 0) | decided.index.isin(list(known))
    if timeframe == DAILY:
        wanted |= (decided.index >= midnight(state.live_since)) | (decided.index == state.as_of)
    return wanted


def keeps(known: tuple[int, str] | None, label: Signal.Label, timeframe: str) -> bool:
    """A changed decision always, a new one unless it is a HOLD on a candle."""
    return known[1] != label if known else label != HOLD or timeframe == DAILY


def bars(frame: "pd.DataFrame") -> Iterator[Any]:
    """Named tuples of the columns, `Index` being the time."""
    return frame.itertuples()


def standing(
    instrument: Instrument, rule: Rule, timeframe: str, start: datetime | None = None
) -> dict[datetime, tuple[int, str]]:
    """Version and label of the row that counts of each decided bar, from `start` on."""
    rows = newest_versions(instrument=instrument, rule=rule.name, timeframe=timeframe)
    if start is not None:
        rows = rows.filter(as_of__gte=start)
    return {as_of: (version, label) for as_of, version, label in rows.values_list("as_of", "version", "signal")}


def signal_of(
    instrument: Instrument, rule: Rule, timeframe: str, bar: Any, state: State, version: int, now: datetime
) -> Signal:
    found = {value.name: number(getattr(bar, value.name)) for value in rule.values}
    kept = {name: value for name, value in found.items() if name not in COLUMNS}
    return Signal(
        instrument=instrument,
        rule=rule.name,
        timeframe=timeframe,
        as_of=bar.Index.to_pydatetime(),
        signal=LABELS[bar.decision],
        values={"close": bar.close, **kept, "bars": int(bar.bars)},
        horizon_days=settings.SIGNAL_HORIZON_DAYS,
        version=version,
        backtested=bar.Index.date() < state.live_since,
        generated_at=now,
        **{name: decimal(found.get(name)) for name in COLUMNS},
    )


def retract(
    instrument: Instrument, rule: Rule, timeframe: str, gone: Mapping[datetime, tuple[int, str]]
) -> int:  # fmt: skip
    """A crossing whose bar is none of the series any more (it went to table B) becomes a HOLD without values."""
    now = clock.now()
    computed = {value.name for value in rule.values}
    rows = [
        Signal(
            instrument=instrument,
            rule=rule.name,
            timeframe=timeframe,
            as_of=as_of,
            signal=HOLD,
            values={"withdrawn": True},
            horizon_days=settings.SIGNAL_HORIZON_DAYS,
            version=version + 1,
            generated_at=now,
            **{name: 0 if name in computed else None for name in COLUMNS},
        )
        for as_of, (version, label) in gone.items()
        if label != HOLD
    ]
    Signal.objects.bulk_create(rows, batch_size=500)
    return len(rows)


def number(value: float) -> float | None:
    """As JSON keeps it, which knows no NaN."""
    return value if isfinite(value) else None


def decimal(value: float | None) -> Decimal | None:
    """A computed value as it is stored: ten decimals."""
    return None if value is None else Decimal(repr(value)).quantize(PLACES)
