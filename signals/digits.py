"""How computed values are printed: with the decimals of the prices that they come from, and two more where small."""

from decimal import Decimal

from markets import formats

# A histogram is small beside its price: two decimals more than were published.
MORE = 2


def small(value: float | Decimal, scale: int, sign: bool = True) -> str:
    """With two decimals more than the price; all ten where that would print a zero that is none."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    short = exact.quantize(Decimal(1).scaleb(-scale - MORE))
    shown = short if short or not exact else exact.quantize(Decimal(1).scaleb(-10))
    return formats.signed(shown) if sign else formats.number(shown)


def rounded(value: float, scale: int) -> Decimal:
    """A computed value with as many decimals as the prices it comes from."""
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-scale))


def plain(value: float) -> str:
    """All digits of a computed value, without an exponent."""
    return f"{Decimal(repr(value)):f}"
