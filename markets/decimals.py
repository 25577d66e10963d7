"""The published digits of a Decimal, including trailing zeros."""

from decimal import Decimal


def scale_of(value: Decimal) -> int:
    """The number of published decimals: 4 for 2.6410, 0 for 110. Raises ValueError for NaN and infinity."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{value} is not a finite number")
    return max(0, -exponent)


def published(value: Decimal | None, scale: int) -> Decimal | None:
    """The stored value with as many decimals as published: 2.6410 for scale 4.

    SQLite stores REAL and PostgreSQL pads to ten decimals; without this neither returns the published digits.
    """
    return None if value is None else value.quantize(Decimal(1).scaleb(-scale))
