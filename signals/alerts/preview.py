"""How often a rule would have fired on what is stored, and at which threshold it would once a week.

The machine (`signals.alerts.machine`) takes 0.3 s for a year of five-minute bars, and a search of thresholds asks ten
times. Here the same is asked of arrays: which observations reach the threshold, which are back below it, and from one
to the next by bisection. `tests/test_alert_preview.py` holds both to the same events.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from signals.alerts.machine import BOTH, DOWN, NO_WAY_BACK, QUARTER, UP, ZERO, Observation, Watch, change_of
from signals.alerts.past import Past, Prices, Seconds

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

WEEK_DAYS = 7
PASSES = 10
# A float has 15 digits that count: what is nearer to a threshold than this is decided with all digits.
DOUBT = 1e-9
# A threshold is suggested to the hundredth, as people write it.
HUNDREDTH = Decimal("0.01")


class Would(NamedTuple):
    """`times` it would have fired, on `days` of history; `weekly` is the threshold that fires once a week or less."""

    times: int
    last: datetime | None
    days: int
    observations: int
    first: datetime | None
    until: datetime | None
    of: tuple[str, ...]
    weekly: Decimal | None = None
    weekly_times: int | None = None


class Moves(NamedTuple):
    """Of each observation the change that counts in percent, and whether the rule looks at it at all."""

    times: Seconds
    change: Prices
    prices: Prices
    lows: Prices
    highs: Prices
    looks: Flags
    direction: str


def would(watch: Watch, past: Past, minutes: int) -> Would:
    if watch.kind == "level":
        return told(past, level_fires(watch, past))
    moves = moves_of(past, minutes, watch.direction)
    found = told(past, fires(watch, moves))
    weekly = once_a_week(watch, moves, found.days)
    if weekly is None:
        return found
    times = len(fires(watch._replace(threshold=weekly), moves))
    return found._replace(weekly=weekly, weekly_times=times)


def told(past: Past, places: list[int]) -> Would:
    def moment(time: int) -> datetime:
        return datetime.fromtimestamp(time, UTC)

    times = past.times.tolist()
    first, until = (moment(times[0]), moment(times[-1])) if times else (None, None)
    last = moment(times[places[-1]]) if places else None
    return Would(len(places), last, past.days, len(times), first, until, past.of)


def moves_of(past: Past, minutes: int, direction: str) -> Moves:
    """The extremes of the window that ends with each observation, both ends included, from the last silence on."""
    span = minutes * 60
    silences = silences_of(past)
    begins = begins_of(past, silences)
    starts = np.maximum(np.searchsorted(past.times, past.times - span, side="left"), begins)
    lows = extremes(past.prices, starts, np.minimum)
    highs = extremes(past.prices, starts, np.maximum)
    up = (past.prices - lows) * 100 / lows
    down = (past.prices - highs) * 100 / highs
    change = up if direction == UP else down if direction == DOWN else np.where(up >= -down, up, down)
    full = (begins == 0) | (past.times - past.times[begins] >= span)
    return Moves(past.times, np.abs(change), past.prices, lows, highs, full, direction)


def silences_of(past: Past) -> Places:
    """The places of the first observation after each silence."""
    return np.flatnonzero(np.diff(past.times, prepend=past.times[:1]) > past.allowed)


def begins_of(past: Past, silences: Places) -> Places:
    """For each observation where its stretch without a silence begins."""
    begins = np.zeros(len(past.times), np.int64)
    begins[silences] = silences
    return np.maximum.accumulate(begins)


def extremes(values: Prices, starts: Places, pick: Callable[..., Prices]) -> Prices:
    """The extreme of values[starts[i]:i + 1] for every i: of two overlapping stretches of a power of two in length."""
    places = np.arange(len(values))
    levels = np.frexp((places - starts + 1).astype(np.float64))[1] - 1
    found, table = values.copy(), values
    for level in range(1, int(levels.max(initial=0)) + 1):
        half = 1 << (level - 1)
        table = pick(table[: len(table) - half], table[half:])  # table[i] is of 2**level values from i on
        here = np.flatnonzero(levels == level)
        found[here] = pick(table[starts[here]], table[here - (1 << level) + 1])
    return found


def fires(watch: Watch, moves: Moves) -> list[int]:
    """The places where it fires: armed, over the threshold and rested; armed again below the hysteresis."""
    hysteresis = watch.threshold * QUARTER if watch.hysteresis is None else watch.hysteresis
    reached = np.flatnonzero(compared(moves, watch.threshold) & moves.looks)
    back = np.flatnonzero(~compared(moves, max(watch.threshold - hysteresis, ZERO), beyond=True) & moves.looks)
    rest = int(watch.cooldown.total_seconds())
    found: list[int] = []
    place, rested = 0, 0
    while True:
        ready = max(place, rested)
        at = int(np.searchsorted(reached, ready))
        if at == len(reached):
            return found
        found.append(int(reached[at]))
        rested = int(np.searchsorted(moves.times, moves.times[found[-1]] + rest))
        after = int(np.searchsorted(back, found[-1], side="right"))
        if after == len(back):
            return found
        place = int(back[after]) + 1


def compared(moves: Moves, percent: Decimal, *, beyond: bool = False) -> Flags:
    """Whether each change is at least so many percent (`beyond`: more). What floats cannot tell is asked exactly."""
    edge = float(percent)
    answer = moves.change > edge if beyond else moves.change >= edge
    for place in np.flatnonzero(np.abs(moves.change - edge) <= DOUBT * (1 + edge)):
        exact = abs(exactly(moves, int(place)))
        answer[place] = exact > percent if beyond else exact >= percent
    return answer


def exactly(moves: Moves, place: int) -> Decimal:
    """The change as the machine has it; a float says in its shortest form which digits it was made of."""
    value, low, high = (Decimal(repr(float(of[place]))) for of in (moves.prices, moves.lows, moves.highs))
    moment = datetime.fromtimestamp(int(moves.times[place]), UTC)
    return change_of(moves.direction, Observation(moment, value, low, high))[1]


def once_a_week(watch: Watch, moves: Moves, days: int) -> Decimal | None:
    """The lowest threshold, to the hundredth, with no more events than weeks; None with less than a week of history."""
    largest = float(moves.change.max(initial=0))
    if days < WEEK_DAYS or not largest:
        return None
    most = days / WEEK_DAYS
    low, high = 0.0, largest
    for _ in range(PASSES):
        middle = (low + high) / 2
        if len(fires(watch._replace(threshold=Decimal(repr(middle))), moves)) > most:
            low = middle
        else:
            high = middle
    return Decimal(repr(high)).quantize(HUNDREDTH, ROUND_UP)


def level_fires(watch: Watch, past: Past) -> list[int]:
    """The places where the level is crossed in the direction of the rule, further than the hysteresis on the way back.

    As `machine.crossing` has it; one loop over a year of five-minute bars takes 10 ms.
    """
    above = (past.prices >= float(watch.level)).tolist()
    far = beyond_hysteresis(watch, past).tolist()
    silences, times = set(silences_of(past).tolist()), past.times.tolist()
    rest = watch.cooldown.total_seconds()
    found: list[int] = []
    side, is_open, rested = above[0] if above else False, False, 0
    for place, new in enumerate(above):
        if new == side:
            continue
        if place in silences:  # what was crossed meanwhile was seen by nobody
            side, is_open = new, False
        elif (is_open or watch.direction == BOTH) and not far[place]:
            continue
        elif watch.direction not in {UP if new else DOWN, BOTH}:
            side, is_open = new, False
        elif times[place] >= rested:
            side, is_open, rested = new, True, times[place] + rest
            found.append(place)
    return found


def beyond_hysteresis(watch: Watch, past: Past) -> Flags:
    band = (watch.hysteresis or NO_WAY_BACK) * watch.level
    edge = float(band)
    away = np.abs(past.prices - float(watch.level)) * 100
    answer: Flags = away >= edge
    for place in np.flatnonzero(np.abs(away - edge) <= DOUBT * (1 + edge)):
        answer[place] = abs(Decimal(repr(float(past.prices[place]))) - watch.level) * 100 >= band
    return answer
