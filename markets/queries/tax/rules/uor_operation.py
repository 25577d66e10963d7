"""Accounting act art. 30(2)(2): an operation at which no currency was exchanged stands at the NBP's average rate of
the last working day before it. Since 2009; the first day is not verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import NBP, before
from markets.queries.tax.rule import Example, Question, Rule, Version

RULE = Rule(
    id="uor-operation",
    name_pl="operacja w walucie obcej (UoR)",
    name_en="operation in a foreign currency (accounting act)",
    versions=(Version("UoR art. 30(2)(2)", dt.date(2009, 1, 1), is_first_day_verified=False),),
    event=the_date,
    choose=lambda asked: before(NBP, the_date(asked)),
    inputs={"date": "Day of the operation."},
    example=Example(
        Question(rule="uor-operation", code="USD", date=dt.date(2025, 4, 22), amount=Decimal(1000)),
        "3.7661",
        dt.date(2025, 4, 18),
        "076/A/NBP/2025",
        "3766.10",
    ),
)
