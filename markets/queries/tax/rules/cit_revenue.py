"""Revenue in a foreign currency, CIT art. 12(2): the NBP's average rate of the last working day before the day of
revenue. Since 2007; the first day is not verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import NBP, before
from markets.queries.tax.rule import Example, Question, ReadIn, Rule, Version

RULE = Rule(
    id="cit-revenue",
    name_pl="przychód w walucie obcej (CIT)",
    name_en="revenue in a foreign currency (CIT)",
    versions=(Version("CIT art. 12(2)", dt.date(2007, 1, 1), is_first_day_verified=False),),
    event=the_date,
    choose=lambda asked: before(NBP, the_date(asked)),
    source=ReadIn.PRACTICE,
    inputs={"date": "Day on which the revenue arises."},
    example=Example(
        Question(rule="cit-revenue", code="EUR", date=dt.date(2026, 5, 4), amount=Decimal(1000)),
        "4.2589",
        dt.date(2026, 4, 30),
        "083/A/NBP/2026",
        "4258.90",
    ),
)
