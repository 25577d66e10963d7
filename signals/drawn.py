"""The lines and the crossings that a chart draws: the formulas of the rules over columns, without numba and pandas."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from math import isfinite, nan
from typing import NamedTuple

from markets.licence import Audience
from signals import ledger
from signals.api_rows import without_closed
from signals.kernel import COLUMNS
from signals.queries import TURNS
from signals.rules.bollinger_reentry import BollingerReentry
from signals.rules.macd_cross import MacdCross
from signals.rules.ribbon_trend import RibbonTrend
from signals.rules.rsi_reversal import RsiReversal
from signals.rules.rule import OFFICIAL, Rule
from signals.rules.squeeze_fired import SqueezeFired
from signals.rules.vwap_side import VwapSide

# What people call the lines of a chart, and the rules that compute them, as the environment has set these.
INDICATORS: dict[str, Callable[[], Rule]] = {
    "macd": MacdCross.configured,
    "rsi": RsiReversal.configured,
    "bollinger": BollingerReentry.configured,
    "ribbon": RibbonTrend.configured,
    "squeeze": SqueezeFired.configured,
    "vwap": VwapSide.configured,
}
# As `signals.kernel.COLUMNS`, and when the bar opened in seconds since 1970.
Bar = tuple[float, ...]


class Turn(NamedTuple):
    """A BUY or SELL of the ledger that no later version took back."""

    number: int
    as_of: datetime
    signal: str
    histogram: float | None


def indicator(name: str) -> Rule:
    return INDICATORS[name]()


def offered(timeframe: str, official: bool, volume: bool = False) -> list[str]:
    """The indicators that a series can have: official rates are closes alone."""
    found = []
    for name in INDICATORS:
        rule = indicator(name)
        fits = rule.needs <= {"close", OFFICIAL} if official else OFFICIAL not in rule.needs
        if fits and timeframe in rule.timeframes and (volume or "volume" not in rule.needs):
            found.append(name)
    return found


def values(rule: Rule, bars: Iterable[Bar], restarts: Collection[int] = ()) -> list[Sequence[float]]:
    """A row of the rule's values for each bar, to the last bit what the engine computes; NaN where it is not known.

    At the bars of `restarts` the series begins anew. A bar that lacks a needed number has NaN and moves nothing.
    """
    kernel, parameters = rule.kernel, rule.parameters
    if kernel is None:
        raise NotImplementedError(rule.name)
    # A close is there always.
    needed = [COLUMNS.index(name) for name in COLUMNS if name in rule.needs and name != "close"]
    width, row = len(rule.values), list(rule.initial)
    found: list[Sequence[float]] = []
    for number, bar in enumerate(bars):
        if number in restarts:
            row = list(rule.initial)
        computed = [nan] * width
        if not needed or all(isfinite(bar[column]) for column in needed):
            kernel(row, bar, parameters, computed)
        found.append(computed)
    return found


def turns(code: str, rule: Rule, timeframe: str, first: datetime, last: datetime, most: int) -> list[Turn]:
    """The newest BUY and SELL in this time that pages may show, newest first; one query."""
    rows = ledger.newest_versions(
        instrument__code=code, rule=rule.name, timeframe=timeframe, signal__in=TURNS, as_of__range=(first, last)
    )
    shown, columns = without_closed(rows, Audience.PAGE), ("pk", "as_of", "signal", "histogram")
    return [
        Turn(number, as_of, signal, None if histogram is None else float(histogram))
        for number, as_of, signal, histogram in shown.order_by("-as_of").values_list(*columns)[:most]
    ]
