"""The validation of rates before they are stored: one function per rule.

Each function returns the reason for a refusal (a Message), or an empty string.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

from markets.messages import Message
from markets.records import RateRecord, Table

CODE = re.compile(r"[A-Z]{3}\Z")
PAIR = re.compile(r"[A-Z]{3}([A-Z]{3})?\Z")
# DecimalField(20, 10); SQLite keeps REAL, which is exact to 15 significant digits.
MAX_DECIMALS = 10
MAX_DIGITS = 15
# The length of "0." and ten decimals: no shorter text has more decimals.
SURE_LENGTH = 2 + MAX_DECIMALS
NUMBER_LENGTH = 40
# Lines of a code and a mid as nearly all are: at most 15 digits and ten decimals, no exponent, no sign, not zero.
PLAIN_RATES = re.compile(
    r"(?:[A-Z]{3} (?!0+(?:\.0+)?\n)(?=[0-9.]{1,15}\n)[0-9]{1,10}(?:\.[0-9]{1,10})?\n)+\Z"
)  # fmt: skip
ZERO, LIMIT = Decimal(0), Decimal(10) ** 10
SHOWN = 40

Accepted = list[tuple[Table, list[RateRecord]]]
# A rate that may not in, and the reason against it; no code is the whole table of that day.
Refused = list[tuple[Table, str, str]]


class Sifted(NamedTuple):
    """Tables as they were fetched, and what of them may in: who fetches can sift them while the writer is at others."""

    tables: list[Table]
    accepted: Accepted
    refused: Refused

    @property
    def rates(self) -> int:
        return sum(len(rates) for _, rates in self.accepted)


def code_is_iso(rate: RateRecord, kind: str = "currency") -> str:
    """A table of pairs names both currencies (`EURUSD`), or one where the other is the złoty (`EUR`)."""
    if kind == "pair":
        return "" if PAIR.match(rate.code) else Message("code_of_pair")
    return "" if CODE.match(rate.code) else Message("code_of_three")


def number_fits(value: Decimal) -> str:
    """A price with more digits than both databases keep exactly is refused, on both alike."""
    if not value.is_finite():
        return Message("not_finite")
    if value <= ZERO:
        return Message("not_above_zero")
    if value >= LIMIT:
        return Message("too_large")
    if is_short(value):
        return ""  # nearly every value, and a history has hundreds of thousands
    _, digits, exponent = value.as_tuple()
    if isinstance(exponent, int) and -exponent > MAX_DECIMALS:
        return Message("decimals", most=MAX_DECIMALS)
    return Message("digits", most=MAX_DIGITS) if len(digits) > MAX_DIGITS else ""


def is_short(value: Decimal) -> bool:
    """Whether the length of the text alone shows that the value fits; a cheap test for nearly every value."""
    text = str(value)
    if len(text) <= SURE_LENGTH:
        return "E" not in text
    return len(text) <= MAX_DIGITS and "E" not in text and len(text.partition(".")[2]) <= MAX_DECIMALS


def numbers_fit(rate: RateRecord) -> str:
    """Every value that is present (a mid, or a bid and an ask) must fit."""
    if rate.mid is not None and rate.bid is None and rate.ask is None:
        reason = number_fits(rate.mid)
        return reason and Message("about", about=shown(rate.mid), reason=reason)
    values = [value for value in (rate.mid, rate.bid, rate.ask) if value is not None]
    if not values:
        return Message("no_figure")
    wrong = ((value, number_fits(value)) for value in values)
    return next((Message("about", about=shown(value), reason=reason) for value, reason in wrong if reason), "")


def shown(value: Decimal) -> str:
    """The value as published, cut to 40 characters: 1e999999999 has a thousand million digits."""
    written_out = value.is_finite() and abs(value.adjusted()) < SHOWN
    return (f"{value:f}" if written_out else str(value))[:SHOWN]


def bid_below_ask(rate: RateRecord) -> str:
    if rate.mid is not None:
        return ""
    if rate.bid is None or rate.ask is None:
        return Message("side_missing")
    if rate.bid <= rate.ask:
        return ""
    return Message("bid_above_ask", bid=shown(rate.bid), ask=shown(rate.ask))


def day_has_come(table: Table, today: date) -> str:
    return Message("dated_ahead", day=table.effective_date) if table.effective_date > today else ""


def number_can_be_kept(table: Table) -> str:
    """PostgreSQL rejects what its column cannot hold, SQLite would store it: refused on both alike."""
    if "\0" in table.number:
        return Message("number_nul")
    return Message("number_long", most=NUMBER_LENGTH) if len(table.number) > NUMBER_LENGTH else ""


def against(rate: RateRecord, kind: str = "currency") -> str:
    """The reason to refuse this rate; empty when it is valid."""
    return (
        rate.fault or code_is_iso(rate, kind) or numbers_fit(rate) or bid_below_ask(rate)
    )  # each rule needs what the one before it made sure of


def is_sound(table: Table, today: date) -> bool:
    """Whether one look at the whole table shows that nothing is wrong with it, as with nearly all of a history.

    Where it does not, `sift` finds out what is: rate by rate that takes four times as long.
    """
    mids = (rate for rate in table.rates if rate.bid is None and rate.ask is None and not rate.fault)
    rates = [f"{rate.code} {rate.mid!s}\n" for rate in mids]
    text = "".join(rates)
    return (
        len(rates) == len(table.rates) == text.count("\n")  # a code with a line of its own is no code
        and PLAIN_RATES.match(text) is not None
        and len({rate.code for rate in table.rates}) == len(rates)
        and not day_has_come(table, today)
        and not number_can_be_kept(table)
    )


def twice_and_different(rates: Collection[RateRecord]) -> set[str]:
    """Codes that one table contains more than once with different values: it is unknown which one is right."""
    if len({rate.code for rate in rates}) == len(rates):
        return set()
    seen: dict[str, RateRecord] = {}
    different = set()
    for rate in rates:
        first = seen.setdefault(rate.code, rate)
        if (first.mid, first.bid, first.ask) != (rate.mid, rate.bid, rate.ask):
            different.add(rate.code)
    return different


def sift(table: Table, today: date) -> Iterator[tuple[RateRecord, str]]:
    """Each rate of the table once, with the reason to refuse it (empty when it is valid)."""
    reason_for_all = day_has_come(table, today) or number_can_be_kept(table)
    doubtful = twice_and_different(table.rates)
    seen = set()
    for rate in table.rates:
        if rate.code in seen:
            continue
        seen.add(rate.code)
        doubt = Message("twice_in_table") if rate.code in doubtful else ""
        yield rate, reason_for_all or doubt or against(rate, table.kind)


def sift_tables(tables: Sequence[Table], today: date) -> Sifted:
    """The tables with the rates that may in, ascending; the others with the reasons against them."""
    accepted: Accepted = []
    refused: Refused = []
    for table in tables:
        if table.fault:
            refused.append((table, "", table.fault))
            continue
        if is_sound(table, today):
            accepted.append((table, table.rates))
            continue
        figures = []
        for figure, reason in sift(table, today):
            if reason:
                refused.append((table, figure.code, reason))
            else:
                figures.append(figure)
        if figures:
            accepted.append((table, figures))
    return Sifted(list(tables), ascending(accepted), refused)


def joined(parts: Sequence[Sifted]) -> Sifted:
    """Several answers as one."""
    tables, accepted, refused = (list(chain.from_iterable(column)) for column in zip(*parts, strict=True))
    return Sifted(tables, ascending(accepted), refused)


def ascending(accepted: Accepted) -> Accepted:
    return sorted(accepted, key=lambda pair: pair[0].effective_date)


def named(table: Table, code: str) -> str:
    """What was refused, in words: `A 2026-10-20 USD`, `A 2026-10-20`, `A 2026-10-20..2026-10-23`."""
    until = f"..{table.until}" if table.until and table.until > table.effective_date else ""
    return f"{table.table} {table.effective_date}{until} {code}".rstrip()
