"""The rows of the decisions: which bars get one, and which row of a bar counts. Append-only."""

from collections.abc import Mapping, Sequence
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
    from signals.bars import Bools, DecidedBar, RulePass

TABLE = Signal._meta.db_table
BUY, HOLD, SELL = Signal.Label.BUY, Signal.Label.HOLD, Signal.Label.SELL
LABELS = {1: BUY, 0: HOLD, -1: SELL}
PLACES = Decimal(1).scaleb(-10)
# Values with a column of their own: null in the rows of a rule that does not compute them.
COLUMNS = ("macd", "signal_line", "histogram")
# The values of a decision whose bar has left its series.
WITHDRAWN = {"withdrawn": True}
# The columns of a row, in the order in which one is written.
STORED = (
    *("instrument_id", "rule", "timeframe", "as_of", "signal", *COLUMNS, "values", "horizon_days", "edition"),
    *("backtested", "inputs", "params", "program", "generated_at"),
)
Row = tuple[Any, ...]
# Version and label of the row that counts, by bar.
Known = Mapping[datetime, tuple[int, str]]
SAME_BAR = {name: OuterRef(name) for name in ("instrument", "rule", "timeframe", "as_of")}


def newest_versions(**bars: Any) -> QuerySet[Signal]:
    """Of each bar the row that counts: the one that no higher version replaces."""
    newer = Signal.objects.filter(**SAME_BAR, version__gt=OuterRef("version"))
    return Signal.objects.filter(~Exists(newer), **bars)


def rows(
    instrument: Instrument, rule: Rule, timeframe: str, found: "RulePass", state: State, known: Known,
    start: datetime | None,
) -> list[Row]:  # fmt: skip
    """History keeps its crossings and its newest day; days from the first run on keep every decision; candles keep
    BUY and SELL. A corrected bar whose decision changed gets a new version, and so does a crossing whose bar has left
    the series, other than by its age. Before `start` every decision stands; `known` is what stands from there on.
    """
    decided = found.counts >= rule.warm_up
    begin = kept_from(found, decided, timeframe)
    if start is not None:
        decided &= found.bars.rows[:, -1] >= start.timestamp()
    key, attested = (instrument.pk, rule.name, timeframe), common(rule)
    written = [
        row_of(key, rule, bar, state, known.get(bar.as_of, (0, ""))[0] + 1, attested)
        for bar in found.at(candidates(found, decided, timeframe, state, known))
        if keeps(known.get(bar.as_of), LABELS[bar.decision], timeframe)
    ]
    there = set(found.bars.rows[decided, -1].tolist()) if known else set()
    gone = {
        as_of: row for as_of, row in known.items() if as_of.timestamp() not in there and not (begin and as_of < begin)
    }
    return written + retracted(instrument, rule, timeframe, gone)


def insert(rows: Sequence[Row]) -> None:
    """New rows, whose numbers nobody asks for: by COPY on PostgreSQL."""
    copying.insert(TABLE, STORED, rows)


def common(rule: Rule) -> tuple[Any, ...]:
    """The last columns, which all rows of one pass have in common: parameters, formulas and the moment."""
    attested = hashes.of(rule)
    return attested["params"], attested["program"], bulk.moment(clock.now())


def row_of(
    key: tuple[int, str, str], rule: Rule, bar: "DecidedBar", state: State, version: int, attested: tuple[Any, ...]
) -> Row:  # fmt: skip
    """What `signal_of` makes, without a model object, of which a first pass would make 41,000."""
    values, columns = values_of(rule, bar)
    exact = (None if value is None else f"{value:f}" for value in columns.values())
    return (
        *(*key, bulk.moment(bar.as_of), str(LABELS[bar.decision]), *exact, msgspec.json.encode(values).decode()),
        *(settings.SIGNAL_HORIZON_DAYS, version, bar.as_of.date() < state.live_since, bar.inputs.hex(), *attested),
    )


def kept_from(found: "RulePass", decided: "Bools", timeframe: str) -> datetime | None:
    """Before which bar every decision stays: retention prunes these candles, and those behind them are the warm-up now.

    None for a series that keeps its bars: there one is gone only because it was wrong.
    """
    if timeframe != SHORT_LIVED:
        return None
    return found.bars.moment(int(decided.argmax())) if decided.any() else datetime.max.replace(tzinfo=UTC)


def candidates(found: "RulePass", decided: "Bools", timeframe: str, state: State, known: Known) -> "Bools":
    """Which bars may get a row: a history of 8,000 has some 600 of them."""
    wanted: Bools = found.decisions != 0
    times = found.bars.rows[:, -1]
    if known:
        wanted |= found.bars.are_among(known)
    if timeframe == DAILY:
        wanted |= (times >= midnight(state.live_since).timestamp()) | (times == state.as_of.timestamp())
    wanted &= decided
    return wanted


def keeps(known: tuple[int, str] | None, label: Signal.Label, timeframe: str) -> bool:
    """A changed decision always, a new one unless it is a HOLD on a candle."""
    return known[1] != label if known else label != HOLD or timeframe == DAILY


def standing(instrument: Instrument, timeframe: str, spans: Mapping[str, datetime | None]) -> Mapping[str, Known]:
    """Version and label of the row that counts of each decided bar: by rule, each from its moment on (None: all)."""
    found: dict[str, dict[datetime, tuple[int, str]]] = {name: {} for name in spans}
    if not spans:
        return found
    rows = Signal.objects.filter(instrument=instrument, timeframe=timeframe, rule__in=list(spans))
    starts = [start for start in spans.values() if start is not None]
    if len(starts) == len(spans):
        rows = rows.filter(as_of__gte=min(starts))
    columns = ("rule", "as_of", "version", "signal")
    for rule, as_of, version, label in rows.order_by("version").values_list(*columns):
        start = spans[rule]
        if start is None or as_of >= start:
            found[rule][as_of] = version, label  # the highest version comes last
    return found


def signal_of(
    instrument: Instrument, rule: Rule, timeframe: str, bar: "DecidedBar", state: State, version: int, **common: Any
) -> Signal:
    values, columns = values_of(rule, bar)
    return Signal(
        instrument=instrument,
        rule=rule.name,
        timeframe=timeframe,
        as_of=bar.as_of,
        signal=LABELS[bar.decision],
        values=values,
        inputs=bar.inputs.hex(),
        horizon_days=settings.SIGNAL_HORIZON_DAYS,
        version=version,
        backtested=bar.as_of.date() < state.live_since,
        **columns,
        **common,
    )


def values_of(rule: Rule, bar: "DecidedBar") -> tuple[dict[str, Any], dict[str, Decimal | None]]:
    """What a row keeps of its bar: `values`, and those that have a column of their own."""
    found = {value.name: number(computed) for value, computed in zip(rule.values, bar.values, strict=True)}
    kept = {name: value for name, value in found.items() if name not in COLUMNS}
    columns = {name: decimal(found.get(name)) for name in COLUMNS}
    return {"close": bar.close, **kept, "bars": bar.bars}, columns


def retracted(instrument: Instrument, rule: Rule, timeframe: str, gone: Known) -> list[Row]:
    """A crossing whose bar is none of the series any more (it went to table B) becomes a HOLD without values."""
    computed = {value.name for value in rule.values}
    columns = ["0" if name in computed else None for name in COLUMNS]
    values, attested = msgspec.json.encode(WITHDRAWN).decode(), common(rule)
    return [
        (
            *(instrument.pk, rule.name, timeframe, bulk.moment(as_of), str(HOLD), *columns, values),
            *(settings.SIGNAL_HORIZON_DAYS, version + 1, False, None, *attested),
        )
        for as_of, (version, label) in gone.items()
        if label != HOLD
    ]


def number(value: float) -> float | None:
    """As JSON keeps it, which knows no NaN."""
    return value if isfinite(value) else None


def decimal(value: float | None) -> Decimal | None:
    """A computed value as it is stored: ten decimals."""
    return None if value is None else Decimal(repr(value)).quantize(PLACES)
