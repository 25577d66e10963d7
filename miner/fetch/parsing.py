"""Parsing of responses: JSON into typed structs, text into Decimals, Unix timestamps into datetimes."""

import logging
import re
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import TypeVar

import msgspec

from markets.messages import Message
from markets.network.body_text import plain, text_of
from miner.fetch.errors import Unreadable

logger = logging.getLogger(__name__)

T = TypeVar("T")
Item = TypeVar("Item")
# What could not be read: what it is about (a ticker, a moment, a place in the list), and why.
RefusedRecords = dict[str, str]

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
        return msgspec.json.decode(plain(body) if isinstance(body, bytes) else body, type=shape)
    except UnicodeDecodeError:
        return decode(text_of(bytes(body)).encode(), shape)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(Message("not_agreed", words=str(error))) from None


def each(
    items: Iterable[Item], read: Callable[[Item], T], refused: RefusedRecords, about: Callable[[Item, int], str]
) -> list[T]:
    """What `read` makes of each item. One that raises Unreadable is left out and named in `refused`.

    `about` names an item by itself and its place. Raises Unreadable when there are items and none could be read: then
    it is the answer that has changed.
    """
    found, faults = list[T](), RefusedRecords()
    for place, item in enumerate(items, 1):
        try:
            found.append(read(item))
        except Unreadable as error:
            faults[about(item, place)] = str(error)
    if faults and not found:
        raise Unreadable(next(Message("about", about=name, reason=reason) for name, reason in faults.items()))
    refused.update(faults)
    return found


def sentences(refused: RefusedRecords) -> list[Message]:
    """What was refused, as the job names it."""
    return [Message("about", about=about, reason=reason) for about, reason in refused.items()]


def sound(
    elements: Iterable[msgspec.Raw], read: Callable[[msgspec.Raw], T], refused: RefusedRecords, name: str | int
) -> list[T]:
    """As `each`, of a list of JSON; `name` is where a record says what it is about, a key or a place in an array."""
    return each(elements, read, refused, lambda element, place: label(element, name, place))


def label(element: msgspec.Raw, name: str | int, place: int) -> str:
    """What the record calls itself, else its place in the list."""
    try:
        own = msgspec.json.decode(element)[name]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        own = None
    return str(own)[:SHOWN] if isinstance(own, str | int) and own != "" else f"record {place}"


def only(asked: Collection[str], found: Collection[str]) -> set[str]:
    """Those that were asked for; others are logged. Raises Unreadable when nothing else came: then it is no answer."""
    wanted = set(asked).intersection(found)
    if strange := sorted(set(found) - wanted):
        words = Message("not_asked_for", names=", ".join(strange)[:SHOWN])
        if not wanted:
            raise Unreadable(words)
        logger.info("Left out, %s", words)
    return wanted


def number(text: str) -> Decimal:
    """Raises ValueError if the text is not a number. Decimal itself accepts NaN, 1_000 and digits of other scripts."""
    try:
        if NUMBER.match(text):
            return Decimal(text)
    except InvalidOperation:
        pass
    raise ValueError(Message("not_a_number", value=text[:SHOWN]))


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
        raise Unreadable(Message("beyond_calendars")) from None


def count_of(when: datetime, unit: timedelta = MILLISECOND) -> int:
    return (when - EPOCH) // unit
