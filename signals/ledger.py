"""The rows of the decisions: which bars get one, and which row of a bar counts. Append-only."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from markets import clock
from markets.models import Instrument
from markets.store import bulk, copying
from markets.store.retention import SHORT_LIVED
from signals import hashes
from signals.models import DAILY, Signal, midnight
from signals.rules.rule import Rule
from signals.state import State

if TYPE_CHECKING:
    import pandas as pd

TABLE = Signal._meta.db_table
BUY, HOLD, SELL = Signal.Label.BUY, Signal.Label.HOLD, Signal.Label.SELL
LABELS = {1: BUY, 0: HOLD, -1: SELL}
PLACES = Decimal(1).scaleb(-10)
# Values with a column of their own: null in the rows of a rule that does not compute them.
COLUMNS = ("macd", "signal_line", "histogram")
# The values of a decision whose bar has left its series.
WITHDRAWN = {"withdrawn": True}
SAME_BAR = {name: OuterRef(name) for name in ("instrument", "rule", "timeframe", "as_of")}


def newest_versions(**bars: Any) -> QuerySet[Signal]:
    """Of each bar the row that counts: the one that no higher version replaces."""
    newer = Signal.objects.filter(**SAME_BAR, version__gt=OuterRef("version"))
    return Signal.objects.filter(~Exists(newer), **bars)


def write(
    instrument: Instrument, rule: Rule, timeframe: str, frame: "pd.DataFrame", state: State, start: datetime | None
) -> int:  # fmt: skip
    """History keeps its crossings and its newest day; days from the first run on keep every decision; candles keep
    BUY and SELL. A corrected bar whose decision changed gets a new version, and so does a crossing whose bar has left
    the series, other than by its age. Before `start` every decision stands.
    """
    known = standing(instrument, rule, timeframe, start)
    decided = frame[frame["bars"] >= rule.warm_up]
    begin = kept_from(decided, timeframe)
    if start is not None:
        decided = decided[decided.index >= start]
    common = {"generated_at": clock.now(), **hashes.of(rule)}
    rows = [
        signal_of(instrument, rule, timeframe, bar, state, version=known.get(bar.Index, (0, ""))[0] + 1, **common)
        for bar in bars(decided[candidates(decided, timeframe, state, known)])
        if keeps(known.get(bar.Index), LABELS[bar.decision], timeframe)
    ]
    insert(rows)
    gone = {as_of: row for as_of, row in known.items() if as_of not in decided.index and not (begin and as_of < begin)}
    return len(rows) + retract(instrument, rule, timeframe, gone)


def insert(rows: Sequence[Signal]) -> None:
    """New rows, whose numbers nobody asks for: by COPY on PostgreSQL."""
    fields = [one for one in Signal._meta.concrete_fields if not one.primary_key]
    names, columns = [one.attname for one in fields], [str(one.column) for one in fields]
    copying.insert(TABLE, columns, [tuple(stored(getattr(row, name)) for name in names) for row in rows])


def stored(value: Any) -> Any:
    """As both databases take it: text, numbers or None."""
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    if isinstance(value, datetime):
        return bulk.moment(value)
    return f"{value:f}" if isinstance(value, Decimal) else value


def kept_from(decided: "pd.DataFrame", timeframe: str) -> datetime | None:
    """Before which bar every decision stays: retention prunes these candles, and those behind them are the warm-up now.

    None for a series that keeps its bars: there one is gone only because it was wrong.
    """
    if timeframe != SHORT_LIVED:
        return None
    return decided.index[0] if len(decided) else datetime.max.replace(tzinfo=UTC)


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
    instrument: Instrument, rule: Rule, timeframe: str, bar: Any, state: State, version: int, **common: Any
) -> Signal:
    values, columns = values_of(rule, bar)
    return Signal(
        instrument=instrument,
        rule=rule.name,
        timeframe=timeframe,
        as_of=bar.Index.to_pydatetime(),
        signal=LABELS[bar.decision],
        values=values,
        inputs=bar.inputs.hex(),
        horizon_days=settings.SIGNAL_HORIZON_DAYS,
        version=version,
        backtested=bar.Index.date() < state.live_since,
        **columns,
        **common,
    )


def values_of(rule: Rule, bar: Any) -> tuple[dict[str, Any], dict[str, Decimal | None]]:
    """What a row keeps of its bar: `values`, and those that have a column of their own."""
    found = {value.name: number(getattr(bar, value.name)) for value in rule.values}
    kept = {name: value for name, value in found.items() if name not in COLUMNS}
    columns = {name: decimal(found.get(name)) for name in COLUMNS}
    return {"close": bar.close, **kept, "bars": int(bar.bars)}, columns


def retract(
    instrument: Instrument, rule: Rule, timeframe: str, gone: Mapping[datetime, tuple[int, str]]
) -> int:  # fmt: skip
    """A crossing whose bar is none of the series any more (it went to table B) becomes a HOLD without values."""
    common = {"generated_at": clock.now(), **hashes.of(rule)}
    computed = {value.name for value in rule.values}
    rows = [
        Signal(
            instrument=instrument,
            rule=rule.name,
            timeframe=timeframe,
            as_of=as_of,
            signal=HOLD,
            values=WITHDRAWN,
            horizon_days=settings.SIGNAL_HORIZON_DAYS,
            version=version + 1,
            **{name: 0 if name in computed else None for name in COLUMNS},
            **common,
        )
        for as_of, (version, label) in gone.items()
        if label != HOLD
    ]
    insert(rows)
    return len(rows)


def number(value: float) -> float | None:
    """As JSON keeps it, which knows no NaN."""
    return value if isfinite(value) else None


def decimal(value: float | None) -> Decimal | None:
    """A computed value as it is stored: ten decimals."""
    return None if value is None else Decimal(repr(value)).quantize(PLACES)
