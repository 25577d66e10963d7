"""When a rule fires: the one machine, which the evaluation, the preview and the tests of rules all run.

It sees one observation after the other and answers a transition or nothing. It knows no tables and no clock.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

ARMED, FIRING, SUSPENDED = "armed", "firing", "suspended"
UP, DOWN, BOTH = "up", "down", "both"
HUNDRED = Decimal(100)
ZERO = Decimal(0)
# A rule fires again when the move has shrunk by so much of its threshold.
QUARTER = Decimal("0.25")
# Of a level that names no hysteresis: any price on its other side.
NO_WAY_BACK = ZERO


class Watch(NamedTuple):
    """What fires: a move of `threshold` percent within a window, or a crossing of `level`; `hysteresis` in percent."""

    kind: str
    direction: str = BOTH
    threshold: Decimal = ZERO
    level: Decimal = ZERO
    hysteresis: Decimal | None = None
    cooldown: timedelta = timedelta(0)


class Observation(NamedTuple):
    """A value at a time, and the lowest and the highest within the rule's window, itself included.

    `fresh`: False where the source has gone silent. `full`: False while a window refills after a silence.
    """

    time: datetime
    value: Decimal
    low: Decimal = ZERO
    high: Decimal = ZERO
    fresh: bool = True
    full: bool = True


class Standing(NamedTuple):
    """Where a rule stands on one series. `is_open`: an alert of it has not resolved yet."""

    state: str = ""
    side: str = ""
    fired_at: datetime | None = None
    is_open: bool = False


class Transition(NamedTuple):
    """What has just happened: `fires` with a direction and a change in percent, or the end of it (`resolves`)."""

    fires: bool = False
    resolves: bool = False
    direction: str = ""
    change: Decimal | None = None


NOTHING = Transition()


def advance(watch: Watch, standing: Standing, seen: Observation) -> tuple[Standing, Transition]:
    """One observation on. The first one, and the first after a silence, can only arm."""
    if not seen.fresh or not seen.full:
        return standing._replace(state=SUSPENDED), NOTHING
    resumed = standing.state == SUSPENDED
    if resumed:
        standing = standing._replace(state=FIRING if standing.is_open else ARMED)
    return move(watch, standing, seen) if watch.kind == "move" else crossing(watch, standing, seen, resumed)


def move(watch: Watch, standing: Standing, seen: Observation) -> tuple[Standing, Transition]:
    """N % up from the lowest or down from the highest price of the window."""
    direction, change = change_of(watch.direction, seen)
    if standing.state == "":
        return standing._replace(state=ARMED), NOTHING
    if standing.state == ARMED:
        if abs(change) < watch.threshold or cooling(watch, standing, seen.time):
            return standing, NOTHING
        fired = Standing(FIRING, direction, seen.time, is_open=True)
        return fired, Transition(fires=True, resolves=standing.is_open, direction=direction, change=change)
    hysteresis = watch.threshold * QUARTER if watch.hysteresis is None else watch.hysteresis
    if abs(change) > max(watch.threshold - hysteresis, ZERO):
        return standing, NOTHING
    return standing._replace(state=ARMED, is_open=False), Transition(resolves=standing.is_open)


def change_of(direction: str, seen: Observation) -> tuple[str, Decimal]:
    """The change in percent that counts: of both the larger one, downwards below zero; never against the direction."""
    up = (seen.value - seen.low) * HUNDRED / seen.low
    down = (seen.value - seen.high) * HUNDRED / seen.high
    if direction == UP or (direction == BOTH and up >= -down):
        return UP, up
    return DOWN, down


def crossing(watch: Watch, standing: Standing, seen: Observation, resumed: bool) -> tuple[Standing, Transition]:
    """A level is crossed: from the one side to the other, and further than the hysteresis on the way back.

    What was crossed while the source was silent was seen by nobody: it ends what is open and fires nothing.
    """
    side = UP if seen.value >= watch.level else DOWN
    if resumed and standing.side not in {"", side}:
        return Standing(ARMED, side, standing.fired_at), Transition(resolves=standing.is_open)
    if standing.side in {"", side}:
        state = FIRING if standing.is_open else ARMED
        return standing._replace(state=state, side=side), NOTHING
    if returns(watch, standing) and abs(seen.value - watch.level) * HUNDRED < (watch.hysteresis or NO_WAY_BACK) * abs(
        watch.level
    ):
        return standing, NOTHING
    if watch.direction not in {side, BOTH}:
        return Standing(ARMED, side, standing.fired_at), Transition(resolves=standing.is_open)
    if cooling(watch, standing, seen.time):
        return standing, NOTHING
    return (
        Standing(FIRING, side, seen.time, is_open=True),
        Transition(fires=True, resolves=standing.is_open, direction=side),
    )


def returns(watch: Watch, standing: Standing) -> bool:
    """Whether the side that it would leave is the one that it fired for."""
    return standing.is_open or watch.direction == BOTH


def cooling(watch: Watch, standing: Standing, now: datetime) -> bool:
    return standing.fired_at is not None and now - standing.fired_at < watch.cooldown
