"""Days from which a code means another unit of money: figures before and after one are not compared.

Most redenominations bring a new code (TRL and TRY, BYR and BYN) and need no line here. Found by reading every jump of
the NBP's tables A and B from 1995 to 2026 by more than a factor of 3; what is no redenomination but a devaluation (MMK
2012, LBP 2023, IRR 2026) stays comparable, and a test holds both lists to the archive.
"""

from datetime import date
from decimal import Decimal
from typing import NamedTuple


class Break(NamedTuple):
    """`day` is the first whose published figure is for the new unit, which is worth `factor` old ones.

    The NBP kept the old unit for up to a month after the law. Without a factor it is another currency under the code.
    """

    code: str
    day: date
    factor: Decimal | None
    source: str


BREAKS = (
    Break("ZWD", date(2006, 8, 9), Decimal(1000), "Reserve Bank of Zimbabwe, 1 August 2006; ISO 4217 had ZWN"),
    Break("ZWL", date(2020, 1, 8), None, "Statutory Instrument 142 of 2019: the RTGS dollar under the code of 2009"),
    Break("ZWL", date(2024, 5, 8), Decimal("2498.7242"), "Reserve Bank of Zimbabwe, 5 April 2024; later code ZWG"),
    Break("VES", date(2021, 10, 13), Decimal(1_000_000), "Banco Central de Venezuela, 1 October 2021; ISO 4217: VED"),
    Break("SYP", date(2026, 1, 7), Decimal(100), "Central Bank of Syria, 1 January 2026"),
)


def breaks(code: str) -> list[Break]:
    """The breaks of this code's series, ascending."""
    return sorted(row for row in BREAKS if row.code == code)


def newest_break(code: str, until: date) -> date:
    """The first day of the unit that the code means on the day `until`; date.min without a break."""
    return max((row.day for row in breaks(code) if row.day <= until), default=date.min)


def crosses(code: str, before: date, after: date) -> bool:
    """Whether the figures of these two days are for different units."""
    return before < newest_break(code, after)
