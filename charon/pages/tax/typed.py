"""What people type into a field: a day in several notations, an amount with a comma, and how a day is shown there."""

import re
from datetime import date
from decimal import Decimal

from markets import formats

# Fifteen digits are what a column of money and a spreadsheet keep; table B has rates with eight decimals.
AMOUNT = re.compile(r"-?[0-9]{1,15}(?:[.,][0-9]{1,10})?")
SPACES = re.compile(r"[\s\u00a0\u202f]+")
BETWEEN = re.compile(r"[\s./-]+")


class TypingError(ValueError):
    """The text is no day, or no amount."""


def day(text: str) -> date:
    """`20.11.2026`, `2026-11-20`, `20 11 2026`, `20/11/2026`, `1.2.2026`. Raises TypingError."""
    parts = BETWEEN.split(text.strip().rstrip("r. "))
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise TypingError(text)
    if len(parts[0]) == 4:
        parts.reverse()
    if len(parts[2]) != 4 or max(len(parts[0]), len(parts[1])) > 2:
        raise TypingError(text)
    try:
        return date(*map(int, reversed(parts)))
    except ValueError:
        raise TypingError(text) from None


def amount(text: str) -> Decimal:
    """`1500,50`, `1 500.50`. Raises TypingError."""
    plain = SPACES.sub("", text).replace("\u2212", "-")
    if not AMOUNT.fullmatch(plain):
        raise TypingError(text)
    return Decimal(plain.replace(",", "."))


def shown_day(value: date) -> str:
    """As it is typed: `20.11.2026`, on an English page `2026-11-20`, which nobody reads the other way round."""
    return value.isoformat() if formats.english() else formats.day(value)


def shown_amount(value: Decimal) -> str:
    return f"{value:f}" if formats.english() else f"{value:f}".replace(".", ",")
