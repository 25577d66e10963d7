"""Accounting act art. 30(1)(1): on the balance day assets and liabilities stand at the NBP's average rate of that
very day, or of the last day before it with one. Since 2009; the first day is not verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import NBP, up_to
from markets.queries.tax.rule import Example, Question, Rule, Version

RULE = Rule(
    id="uor-balance",
    name_pl="wycena na dzień bilansowy (UoR)",
    name_en="valuation on the balance day (accounting act)",
    versions=(Version("UoR art. 30(1)(1)", dt.date(2009, 1, 1), is_first_day_verified=False),),
    event=the_date,
    choose=lambda asked: up_to(NBP, the_date(asked)),
    inputs={"date": "Balance day."},
    example=Example(
        Question(rule="uor-balance", code="EUR", date=dt.date(2025, 12, 31), amount=Decimal(1000)),
        "4.2267",
        dt.date(2025, 12, 31),
        "251/A/NBP/2025",
        "4226.70",
    ),
)
