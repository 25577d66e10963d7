"""The tables as the record reads them: one series after the other, its closes and what each rule decided on them."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Q, QuerySet

from markets.jobs import runs
from markets.models import Instrument, Rate
from signals import ledger, rules, tables
from signals.epoch import Epoch
from signals.models import DAILY, OFFICIAL_KINDS, Signal, midnight
from signals.outcomes.models import Family
from signals.outcomes.panel import HORIZONS, POOLED, POOLED_CANDLES, Decided, Key

if TYPE_CHECKING:
    from signals.bars import Bars

logger = logging.getLogger(__name__)

SIDES = {ledger.BUY.value: 1, ledger.SELL.value: -1}
OFFICIAL = Q(timeframe=DAILY, instrument__kind__in=OFFICIAL_KINDS)
# Series that could not be read, by `code timeframe`, and why.
Failed = dict[str, str]


class Tried(NamedTuple):
    """A rule that has decided on a series, live or in retrospect."""

    instrument: int
    kind: str
    code: str
    timeframe: str
    rule: str
    live: bool


def of_family(family: str) -> Q:
    return OFFICIAL if family == Family.OFFICIAL else ~OFFICIAL


def tried_on(family: str) -> list[Tried]:
    """What the rules of today have said BUY or SELL on; former parameters decide no more, and are no panel."""
    names = [rule.name for rule in rules.active()]
    rows = Signal.objects.filter(of_family(family), signal__in=SIDES, rule__in=names).order_by()
    columns = ("instrument", "instrument__kind", "instrument__code", "timeframe", "rule", "backtested")
    found = [Tried(pk, *place, not past) for pk, *place, past in rows.values_list(*columns).distinct()]  # type: ignore[call-arg]
    return sorted(found, key=lambda one: (one.code, one.timeframe, one.rule, one.live))


def keys(found: list[Tried]) -> list[Key]:
    """Every panel of these series, those of all instruments together included."""
    places = {(one.rule, code, one.timeframe, one.live) for one in found for code in (one.code, pool_of(one))}
    return [
        Key(rule, code, timeframe, horizon, live)
        for rule, code, timeframe, live in sorted(places)
        for horizon in HORIZONS
    ]


def pool_of(one: Tried) -> str:
    is_official = one.kind in OFFICIAL_KINDS or one.timeframe != DAILY
    return POOLED if is_official else POOLED_CANDLES


def series_of(family: str, failed: Failed) -> Iterator[Decided]:
    """Every series of the family under each of its rules. One that cannot be read is left out and named in `failed`."""
    asked: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for one in tried_on(family):
        asked[one.code, one.timeframe, one.instrument].add(one.rule)
    for (code, timeframe, pk), names in asked.items():
        try:
            found = of_series(Instrument.objects.get(pk=pk), timeframe, sorted(names))
        except Exception as error:
            logger.exception("The outcomes of %s %s cannot be read", code, timeframe)
            failed[f"{code} {timeframe}"] = runs.scrub(repr(error))
        else:
            yield from found


def of_series(instrument: Instrument, timeframe: str, names: list[str]) -> list[Decided]:
    """The rules share the times and closes; a decision whose bar is gone has no outcome."""
    bars = loaded(instrument, timeframe)
    # Arrays, which are as good as the lists of a Decided.
    times: Any = bars.seconds
    closes: Any = bars.closes.copy()  # of a view all columns would stay
    parts: Any = bars.parts
    places = {second: index for index, second in enumerate(bars.seconds.tolist())}
    official = tables.is_official(instrument, timeframe)
    spreads = half_spreads(instrument, places) if official else None
    decisions: dict[str, dict[int, tuple[int, bool]]] = {name: {} for name in names}
    for rule, second, signal, backtested in decided(instrument, timeframe, names):
        if second in places:
            decisions[rule][places[second]] = SIDES[signal], not backtested
    return [
        Decided(name, instrument.code, timeframe, times, closes, found, spreads, parts, official)
        for name, found in decisions.items()
    ]


def loaded(instrument: Instrument, timeframe: str) -> "Bars":
    """The bars that rules decide on. A series begins anew behind a gap, and where its code began to mean another unit
    of money: `part` says so, and no outcome reaches across.
    """
    from signals import series  # numpy weighs 10 MB: only who computes loads it

    return series.load(instrument, timeframe)


def decided(instrument: Instrument, timeframe: str, names: list[str]) -> QuerySet[Signal, tuple[str, int, str, bool]]:
    """The versions that count, their bars in seconds: a BUY that a correction took back is none."""
    rows = ledger.newest_versions(instrument=instrument, timeframe=timeframe, rule__in=names, signal__in=SIDES)
    return rows.order_by("as_of").values_list("rule", Epoch("as_of"), "signal", "backtested")


def half_spreads(instrument: Instrument, places: dict[int, int]) -> dict[int, Decimal] | None:
    """Half of what the bank earns on each day, as a part of the price; None for what table C has never had. `places`:
    the index of each bar by its seconds.

    Half of (ask - bid) over the middle (ask + bid) / 2 is (ask - bid) / (ask + bid).
    """
    rows = Rate.objects.filter(instrument=instrument, table="C").values_list("effective_date", "bid", "ask")
    found = {int(midnight(day).timestamp()): (ask - bid) / (ask + bid) for day, bid, ask in rows if bid and ask}
    return {places[second]: half for second, half in found.items() if second in places} or None
