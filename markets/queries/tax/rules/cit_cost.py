"""A cost in a foreign currency, CIT art. 15(1): the NBP's average rate of the last working day before the day of the
cost. Since 2007; the first day is not verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import NBP, before
from markets.queries.tax.rule import Example, Question, ReadIn, Rule, Version

RULE = Rule(
    id="cit-cost",
    name_pl="koszt w walucie obcej (CIT)",
    name_en="cost in a foreign currency (CIT)",
    versions=(Version("CIT art. 15(1)", dt.date(2007, 1, 1), is_first_day_verified=False),),
    event=the_date,
    choose=lambda asked: before(NBP, the_date(asked)),
    source=ReadIn.PRACTICE,
    inputs={"date": "Day on which the cost is incurred."},
    example=Example(
        Question(rule="cit-cost", code="EUR", date=dt.date(2025, 8, 18), amount=Decimal(1000)),
        "4.2639",
        dt.date(2025, 8, 14),
        "157/A/NBP/2025",
        "4263.90",
    ),
)
