"""What people type into a field: a day in several notations, an amount with a comma, and how a day is shown there."""

import re
from decimal import Decimal

from charon.pages.typed_day import TypingError as TypingError
from charon.pages.typed_day import day as day
from charon.pages.typed_day import shown
from markets import formats

# Fifteen digits are what a column of money and a spreadsheet keep; table B has rates with eight decimals.
AMOUNT = re.compile(r"-?[0-9]{1,15}(?:[.,][0-9]{1,10})?")
shown_day = shown
SPACES = re.compile(r"[\s\u00a0\u202f]+")


def amount(text: str) -> Decimal:
    """`1500,50`, `1 500.50`. Raises TypingError."""
    plain = SPACES.sub("", text).replace("\u2212", "-")
    if not AMOUNT.fullmatch(plain):
        raise TypingError(text)
    return Decimal(plain.replace(",", "."))


def shown_amount(value: Decimal) -> str:
    return f"{value:f}" if formats.english() else f"{value:f}".replace(".", ",")
