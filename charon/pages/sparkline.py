"""Small drawings as ready strings: geometry only, figures stay where they are written."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

WIDTH, HEIGHT, MARGIN = 120, 32, 2
BAR, DOT = 64, 4
TENTH = Decimal("0.1")


def points(values: Sequence[Decimal], width: int = WIDTH, height: int = HEIGHT) -> str:
    """`x,y x,y …` for an SVG polyline, evenly spaced, highest value on top; nothing for fewer than two values."""
    if len(values) < 2:
        return ""
    step = Decimal(width) / (len(values) - 1)
    return " ".join(f"{tenth(step * n)},{tenth(y)}" for n, y in enumerate(heights(values, height)))


def heights(values: Sequence[Decimal], height: int) -> list[Decimal]:
    """How far below the top each value lies; a constant series lies in the middle."""
    low, high = min(values), max(values)
    room = Decimal(height - 2 * MARGIN)
    if low == high:
        return [Decimal(height) / 2] * len(values)
    return [MARGIN + room * (high - value) / (high - low) for value in values]


def share(value: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """How far up the range the value lies, 0 to 1; in the middle of a range without width."""
    return (value - low) / (high - low) if high > low else Decimal("0.5")


def dot(share: Decimal) -> str:
    """Where the dot stands on the bar of a range, its rim inside the ends."""
    return tenth(DOT + (BAR - 2 * DOT) * share)


def tenth(value: Decimal) -> str:
    return f"{value.quantize(TENTH, ROUND_HALF_UP):f}"
