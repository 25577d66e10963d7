"""Decimal in and out: a published figure keeps its digits, the last zeros included."""

from decimal import Decimal


def scale_of(value: Decimal) -> int:
    """How many decimals were published: 4 for 2.6410, 0 for 110."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{value} is not a finite number")
    return max(0, -exponent)


def published(value: Decimal | None, scale: int) -> Decimal | None:
    """The stored value with the decimals it was published with.

    SQLite keeps REAL and PostgreSQL pads to ten decimals; both come back as 2.6410 for scale 4.
    """
    return None if value is None else value.quantize(Decimal(1).scaleb(-scale))
