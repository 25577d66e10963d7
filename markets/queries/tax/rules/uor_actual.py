"""Accounting act art. 30(2)(1): currency bought or sold, and a payment of a claim or debt, stand at the rate at which
they were really exchanged, which a document of the bank proves. So the rate is the caller's. Since 2009; the first
day is not verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.faults import MissingInputError
from markets.queries.tax.rule import Example, Given, Question, Rule, Version


def choose(asked: Question) -> Given:
    if asked.actual_rate is None:
        raise MissingInputError("The question names no actual_rate.", {"missing": ["actual_rate"]})
    return Given(asked.actual_rate, the_date(asked))


RULE = Rule(
    id="uor-actual",
    name_pl="kurs faktycznie zastosowany (UoR)",
    name_en="rate actually applied (accounting act)",
    versions=(Version("UoR art. 30(2)(1)", dt.date(2009, 1, 1), is_first_day_verified=False),),
    event=the_date,
    choose=choose,
    needs=("date", "actual_rate"),
    warnings=lambda _: ["The rate is the caller's: the document of the bank proves it, no published table does."],
    inputs={"date": "Day of the operation.", "actual_rate": "Rate of the bank's document, in PLN for one unit."},
    example=Example(
        Question(
            rule="uor-actual", code="EUR", date=dt.date(2026, 4, 7), amount=Decimal(1000), actual_rate=Decimal("4.2512")
        ),
        "4.2512",
        amount="4251.20",
    ),
)
