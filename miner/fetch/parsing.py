"""How a provider reads an answer: JSON into agreed shapes, text into exact numbers, counts since 1970 into moments."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import TypeVar

import msgspec

from miner.fetch.errors import Unreadable

T = TypeVar("T")

NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?\Z", re.ASCII)
SHOWN = 40
DIGITS, DECIMALS = 15, 10
DOUBLE = Context(prec=DIGITS, traps=[])
# From here on ten decimals hold five digits or more.
SMALL = -6
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND, MILLISECOND, MICROSECOND = timedelta(seconds=1), timedelta(milliseconds=1), timedelta(microseconds=1)


def decode(body: bytes | msgspec.Raw, shape: type[T]) -> T:
    """A body as the shape that was agreed; Decimal fields keep every digit of a JSON number."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"not the answer that was agreed: {error}") from None


def number(text: str) -> Decimal:
    """Decimal alone would also take NaN, 1_000 and the digits of other scripts. Raises ValueError."""
    try:
        if NUMBER.match(text):
            return Decimal(text)
    except InvalidOperation:
        pass
    raise ValueError(f"{text[:SHOWN]} is not a number")


def positive(value: Decimal | None) -> Decimal | None:
    """Zero is how markets write that there was nothing: no bid, no trade, an emptied day."""
    return value or None


def computed(value: Decimal) -> Decimal:
    """An average that somebody computed as a double, less its noise: digits beyond the fifteenth, and decimals beyond
    the tenth. What is so small that fewer than five digits would stay keeps them all.
    """
    _, digits, exponent = value.as_tuple()
    fits = not isinstance(exponent, int) or (len(digits) <= DIGITS and exponent >= -DECIMALS)
    if fits or value.adjusted() < SMALL:
        return value
    short = DOUBLE.plus(value)
    fine = value.adjusted() < DIGITS - DECIMALS
    return short.quantize(Decimal(1).scaleb(-DECIMALS), context=DOUBLE) if fine else short


def moment(count: int, unit: timedelta = MILLISECOND) -> datetime:
    """So many seconds, milliseconds or microseconds since 1970, exactly."""
    try:
        return EPOCH + unit * count
    except OverflowError:
        raise Unreadable("a moment beyond all calendars") from None


def count_of(when: datetime, unit: timedelta = MILLISECOND) -> int:
    return (when - EPOCH) // unit
