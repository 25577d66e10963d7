"""Deductions and tax paid abroad, PIT art. 11a(3): the NBP's average rate of the last working day before the expense
was made or the tax was paid. Since 2012; the first day is not verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import NBP, before
from markets.queries.tax.rule import Example, Question, ReadIn, Rule, Version

RULE = Rule(
    id="pit-deduction",
    name_pl="odliczenie lub podatek zapłacony za granicą (PIT)",
    name_en="deduction, or tax paid abroad (PIT)",
    versions=(Version("PIT art. 11a(3)", dt.date(2012, 1, 1), is_first_day_verified=False),),
    event=the_date,
    choose=lambda asked: before(NBP, the_date(asked)),
    source=ReadIn.PRACTICE,
    inputs={"date": "Day of the expense, or of paying the foreign tax."},
    example=Example(
        Question(rule="pit-deduction", code="CHF", date=dt.date(2025, 6, 20), amount=Decimal(200)),
        "4.5446",
        dt.date(2025, 6, 18),
        "117/A/NBP/2025",
        "908.92",
    ),
)
