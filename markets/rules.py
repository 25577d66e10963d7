"""May this record in? One function a rule; each answers with the reason against it, or nothing."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from markets.records import Figure, Table

CODE = re.compile(r"[A-Z]{3}\Z")
# DecimalField(20, 10); SQLite keeps REAL, which is exact to 15 significant digits.
MAX_DECIMALS = 10
MAX_DIGITS = 15
NUMBER_LENGTH = 40
LIMIT = Decimal(10) ** 10
SHOWN = 40


def code_is_iso(figure: Figure) -> str:
    return "" if CODE.match(figure.code) else "the code is not three capital letters"


def number_fits(value: Decimal) -> str:
    """A price with more digits than both databases keep exactly is refused, on both alike."""
    if not value.is_finite():
        return "not a finite number"
    if value <= 0:
        return "not above zero"
    if value >= LIMIT:
        return "too large"
    _, digits, exponent = value.as_tuple()
    if isinstance(exponent, int) and -exponent > MAX_DECIMALS:
        return f"more than {MAX_DECIMALS} decimals"
    return f"more than {MAX_DIGITS} digits" if len(digits) > MAX_DIGITS else ""


def numbers_fit(figure: Figure) -> str:
    """A mid, or a bid and an ask: every number that is there must fit."""
    values = [value for value in (figure.mid, figure.bid, figure.ask) if value is not None]
    if not values:
        return "no figure"
    return next((f"{shown(value)}: {reason}" for value in values if (reason := number_fits(value))), "")


def shown(value: Decimal) -> str:
    """As it was published, but no longer than a line: 1e999999999 has a thousand million digits."""
    written_out = value.is_finite() and abs(value.adjusted()) < SHOWN
    return (f"{value:f}" if written_out else str(value))[:SHOWN]


def bid_below_ask(figure: Figure) -> str:
    if figure.mid is not None:
        return ""
    if figure.bid is None or figure.ask is None:
        return "bid or ask is missing"
    return f"bid {shown(figure.bid)} above ask {shown(figure.ask)}" if figure.bid > figure.ask else ""


def day_has_come(table: Table, today: date) -> str:
    return f"dated {table.effective_date}, after today" if table.effective_date > today else ""


def number_is_short(table: Table) -> str:
    """PostgreSQL refuses what its column does not hold, SQLite would take it: both alike."""
    return f"its number has more than {NUMBER_LENGTH} characters" if len(table.number) > NUMBER_LENGTH else ""


def against(figure: Figure) -> str:
    """Why this figure may not in; empty when it may."""
    return (
        figure.fault or code_is_iso(figure) or numbers_fit(figure) or bid_below_ask(figure)
    )  # each rule needs what the one before it made sure of


def twice_and_different(figures: Iterable[Figure]) -> set[str]:
    """Codes that one table names more than once with different values: nobody can say which one is right."""
    seen: dict[str, Figure] = {}
    different = set()
    for figure in figures:
        first = seen.setdefault(figure.code, figure)
        if (first.mid, first.bid, first.ask) != (figure.mid, figure.bid, figure.ask):
            different.add(figure.code)
    return different


def sift(table: Table, today: date) -> Iterator[tuple[Figure, str]]:
    """Each figure of the table once, with the reason against it (empty: it may in)."""
    reason_for_all = day_has_come(table, today) or number_is_short(table)
    doubtful = twice_and_different(table.figures)
    seen = set()
    for figure in table.figures:
        if figure.code in seen:
            continue
        seen.add(figure.code)
        doubt = "twice in one table with different values" if figure.code in doubtful else ""
        yield figure, reason_for_all or doubt or against(figure)
