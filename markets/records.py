"""What a provider hands over: published figures as they stood, before any rule was asked."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a table: PLN for one unit of `code`. What could not be read as a number carries a `fault`."""

    code: str
    mid: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    name: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One publication of one day. `sha256` is empty where there are no published bytes (the archive)."""

    table: str
    effective_date: date
    figures: list[Figure]
    number: str = ""
    trading_date: date | None = None
    url: str = ""
    sha256: str = ""
    kind: str = field(default="currency")
