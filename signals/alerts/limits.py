"""What a rule may say. The API, the admin and the operators' cases refuse the same."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from signals.alerts.models import Kind

MOST_PCT = Decimal(1000)
YEAR_MINUTES = 365 * 24 * 60
# What the columns hold.
PCT_DECIMALS, PRICE_DECIMALS = 4, 10
MOST_PRICE = Decimal(10) ** 10
# What each kind is made of, beside its name, its subject and how often it may fire.
OF_KIND: dict[str, frozenset[str]] = {
    Kind.MOVE: frozenset({"source", "window_minutes", "threshold_pct", "hysteresis_pct"}),
    Kind.LEVEL: frozenset({"source", "level", "hysteresis_pct"}),
    Kind.SIGNAL: frozenset({"rule", "timeframe"}),
    Kind.RATING: frozenset({"level", "timeframe", "hysteresis_pct"}),
    Kind.SOURCE_STALE: frozenset({"source"}),
    Kind.PUBLICATION_LATE: frozenset({"source"}),
    Kind.GAP: frozenset({"source"}),
}
PARTS = frozenset().union(*OF_KIND.values())


class Fault(NamedTuple):
    """`code` is for who says it in other words, as the admin does in Polish."""

    field: str
    message: str
    code: str


def foreign(field: str, kind: str) -> Fault:
    return Fault(field, f"means nothing in a rule of kind {kind}", "foreign")


def needed(field: str, kind: str) -> Fault:
    return Fault(field, f"is needed in a rule of kind {kind}", "needed")


def faults(kind: str, said: Mapping[str, Any], longest: int, least: int = 1) -> Iterator[Fault]:
    """What means nothing in a rule of this kind. `longest`: minutes of history that a window can look back on, `least`:
    minutes without which it never holds two prices.
    """
    mine = OF_KIND.get(kind, frozenset[str]())
    yield from (foreign(name, kind) for name in sorted(PARTS - mine) if said.get(name) not in {None, ""})
    if kind == Kind.MOVE:
        yield from window_faults(said["window_minutes"], longest, least)
        yield from threshold_faults(said["threshold_pct"])
    if kind == Kind.SIGNAL and not said.get("rule"):
        yield needed("rule", kind)
    if kind in {Kind.LEVEL, Kind.RATING}:
        yield from level_faults(kind, said.get("level"))
    yield from hysteresis_faults(kind, said)
    if not 0 <= said.get("cooldown_minutes", 0) <= YEAR_MINUTES:
        yield Fault("cooldown_minutes", f"must be 0 to {YEAR_MINUTES}", "range")


def window_faults(window: int, longest: int, least: int = 1) -> Iterator[Fault]:
    if window <= 0:
        yield Fault("window_minutes", "must be above 0", "range")
    elif window > longest:
        yield Fault("window_minutes", f"is longer than the history that there is: {longest} minutes", "history")
    elif window < least:
        yield Fault("window_minutes", f"must be at least {least}: there is one rate a day", "daily")


def threshold_faults(threshold: Decimal) -> Iterator[Fault]:
    if not 0 < threshold <= MOST_PCT:
        yield Fault("threshold_pct", f"must be above 0 and at most {MOST_PCT}", "range")
    else:
        yield from digit_faults("threshold_pct", threshold, PCT_DECIMALS)


def level_faults(kind: str, level: Decimal | None) -> Iterator[Fault]:
    if level is None:
        yield needed("level", kind)
    elif kind == Kind.RATING and abs(level) > 1:
        yield Fault("level", "must be from -1 to 1, as a rating is", "range")
    elif kind == Kind.LEVEL and not 0 < level < MOST_PRICE:
        yield Fault("level", "must be above 0 and below 1e10, as a price is", "range")
    else:
        yield from digit_faults("level", level, PRICE_DECIMALS)


def hysteresis_faults(kind: str, said: Mapping[str, Any]) -> Iterator[Fault]:
    """As long as the threshold itself, a move would have to be undone to the last digit before it may come again."""
    given = said.get("hysteresis_pct")
    if given is None or kind not in {Kind.MOVE, Kind.LEVEL, Kind.RATING}:
        return
    most = said["threshold_pct"] if kind == Kind.MOVE else Decimal(100)
    if not 0 <= given < most:
        yield Fault("hysteresis_pct", f"must be from 0 to below {most:f}", "range")
    else:
        yield from digit_faults("hysteresis_pct", given, PCT_DECIMALS)


def digit_faults(field: str, value: Decimal, most: int) -> Iterator[Fault]:
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > most:
        yield Fault(field, f"must have at most {most} decimals", "digits")
