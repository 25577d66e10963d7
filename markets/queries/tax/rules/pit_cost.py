"""A cost in a foreign currency, PIT art. 11a(2): the NBP's average rate of the last working day before the day on
which the cost is incurred; who keeps a revenue and expense ledger takes the day of the invoice. Since 2012; the first
day is not verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import NBP, before
from markets.queries.tax.rule import Example, Question, ReadIn, Rule, Version

RULE = Rule(
    id="pit-cost",
    name_pl="koszt w walucie obcej (PIT)",
    name_en="cost in a foreign currency (PIT)",
    versions=(Version("PIT art. 11a(2)", dt.date(2012, 1, 1), is_first_day_verified=False),),
    event=the_date,
    choose=lambda asked: before(NBP, the_date(asked)),
    source=ReadIn.PRACTICE,
    inputs={"date": "Day on which the cost is incurred (in a revenue and expense ledger: the day of the invoice)."},
    example=Example(
        Question(rule="pit-cost", code="USD", date=dt.date(2025, 5, 5), amount=Decimal(100)),
        "3.7722",
        dt.date(2025, 5, 2),
        "084/A/NBP/2025",
        "377.22",
    ),
)
