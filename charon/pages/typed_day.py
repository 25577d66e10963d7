"""A day as people type it into a field, and how it is shown there."""

import re
from datetime import date

from markets import formats

BETWEEN = re.compile(r"[\s./-]+")
LONGEST = 20


class TypingError(ValueError):
    """The text is not what the field takes: no day, or no amount."""


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


def shown(value: date) -> str:
    """As it is typed: `20.11.2026`, on an English page `2026-11-20`, which nobody reads the other way round."""
    return value.isoformat() if formats.english() else formats.day(value)
