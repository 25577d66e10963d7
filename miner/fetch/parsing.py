"""Parsing of responses: JSON into typed structs, text into Decimals, Unix timestamps into datetimes."""

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
# Ten decimals hold at least five significant digits of a value of 1E-6 or more.
SMALL = -6
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND, MILLISECOND, MICROSECOND = timedelta(seconds=1), timedelta(milliseconds=1), timedelta(microseconds=1)


def decode(body: bytes | msgspec.Raw, shape: type[T]) -> T:
    """Decodes a body into `shape`; raises Unreadable if it does not fit. Decimal fields keep every digit."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"not the answer that was agreed: {error}") from None


def number(text: str) -> Decimal:
    """Raises ValueError if the text is not a number. Decimal itself accepts NaN, 1_000 and digits of other scripts."""
    try:
        if NUMBER.match(text):
            return Decimal(text)
    except InvalidOperation:
        pass
    raise ValueError(f"{text[:SHOWN]} is not a number")


def positive(value: Decimal | None) -> Decimal | None:
    """None for zero: markets write 0 for a missing value (no bid, no trade, a day without trading)."""
    return value or None


def computed(value: Decimal) -> Decimal:
    """Rounds an average that the provider computed as a double (IEEE 754) to 15 significant digits and ten decimals.

    A value below 1E-6 keeps all its digits: ten decimals would leave fewer than five.
    """
    _, digits, exponent = value.as_tuple()
    fits = not isinstance(exponent, int) or (len(digits) <= DIGITS and exponent >= -DECIMALS)
    if fits or value.adjusted() < SMALL:
        return value
    short = DOUBLE.plus(value)
    fine = value.adjusted() < DIGITS - DECIMALS
    return short.quantize(Decimal(1).scaleb(-DECIMALS), context=DOUBLE) if fine else short


def moment(count: int, unit: timedelta = MILLISECOND) -> datetime:
    """The datetime of `count` seconds, milliseconds or microseconds since 1970, exactly; raises Unreadable."""
    try:
        return EPOCH + unit * count
    except OverflowError:
        raise Unreadable("a moment beyond all calendars") from None


def count_of(when: datetime, unit: timedelta = MILLISECOND) -> int:
    return (when - EPOCH) // unit
