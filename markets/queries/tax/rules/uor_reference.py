"""Accounting act art. 30(3): a currency that the NBP does not quote is counted through a reference currency that it
quotes. The caller chooses it and gives what one unit costs in it; a balance day is taken as in 30(1), an operation as
in 30(2). We do not know since when: the first day is not verified and is that of art. 30 elsewhere.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import day_of
from markets.queries.tax.faults import MissingInputError
from markets.queries.tax.published import NBP, before, up_to
from markets.queries.tax.rule import Contradiction, Cross, Example, Question, Rule, Version

NAMES = ("reference", "cross_rate")


def the_day(asked: Question) -> dt.date:
    return day_of(asked, "date", "payment_date")


def choose(asked: Question) -> Cross:
    """The reference's rate of the balance day (`date`), or of the day before an operation (`payment_date`)."""
    if asked.reference is None or asked.cross_rate is None:
        raise MissingInputError("The question names no reference or cross_rate.", {"missing": [*NAMES]})
    relation = up_to if asked.date else before
    return Cross(relation(NBP, the_day(asked), asked.reference), asked.cross_rate)


def contradictions(asked: Question) -> list[Contradiction]:
    found = []
    if asked.reference == asked.code:
        found.append(Contradiction(("reference", "code"), "A currency is not its own reference."))
    if asked.date and asked.payment_date:
        found.append(Contradiction(("date", "payment_date"), "It is a balance day or an operation, and not both."))
    return found


RULE = Rule(
    id="uor-reference",
    name_pl="waluta nieogłaszana przez NBP (UoR)",
    name_en="currency that the NBP does not quote (accounting act)",
    versions=(Version("UoR art. 30(3)", dt.date(2009, 1, 1), is_first_day_verified=False),),
    event=the_day,
    choose=choose,
    needs=("date|payment_date", *NAMES),
    warnings=lambda _: ["The cross rate is the caller's: keep the source of it."],
    contradictions=contradictions,
    inputs={"date": "Balance day.", "payment_date": "Day of an operation, in place of a balance day."},
    example=Example(
        Question(
            rule="uor-reference",
            code="KYD",
            date=dt.date(2025, 12, 31),
            amount=Decimal(1000),
            reference="USD",
            cross_rate=Decimal("1.20"),
        ),
        "4.32192",
        dt.date(2025, 12, 31),
        "251/A/NBP/2025",
        "4321.92",
    ),
)
