"""Revenue in a foreign currency, PIT art. 11a(1): the NBP's average rate of the last working day before the day on
which the revenue arises. Since 2012; the first day is not verified. Until then the buying rate of one's own bank
played a part.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import NBP, before
from markets.queries.tax.rule import Example, Question, ReadIn, Rule, Version

RULE = Rule(
    id="pit-revenue",
    name_pl="przychód w walucie obcej (PIT)",
    name_en="revenue in a foreign currency (PIT)",
    versions=(Version("PIT art. 11a(1)", dt.date(2012, 1, 1), is_first_day_verified=False),),
    event=the_date,
    choose=lambda asked: before(NBP, the_date(asked)),
    aliases=("pit",),
    source=ReadIn.PRACTICE,
    inputs={"date": "Day on which the revenue arises."},
    example=Example(
        Question(rule="pit-revenue", code="USD", date=dt.date(2025, 12, 29), amount=Decimal(1500)),
        "3.5848",
        dt.date(2025, 12, 23),
        "248/A/NBP/2025",
        "5377.20",
    ),
)
