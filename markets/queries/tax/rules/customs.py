"""UCC art. 53(1)(a), IA art. 146: the value of goods is converted all month at the NBP's rate of the penultimate
Wednesday of the month before, or of the last day before it with one. Since 2016-05-01; the periods of two weeks of
the law before are not answered.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import month_before, penultimate_wednesday, the_date
from markets.queries.tax.published import NBP, up_to
from markets.queries.tax.rule import Example, Published, Question, Rule, Version


def of_month(day: dt.date) -> Published:
    """The customs rate of the month in which a day lies."""
    return up_to(NBP, penultimate_wednesday(month_before(day)))


RULE = Rule(
    id="customs",
    name_pl="kurs celny",
    name_en="customs rate",
    versions=(Version("UCC art. 53(1)(a), IA art. 146", dt.date(2016, 5, 1)),),
    event=the_date,
    choose=lambda asked: of_month(the_date(asked)),
    inputs={"date": "Day of the customs declaration; its month decides."},
    example=Example(
        Question(rule="customs", code="USD", date=dt.date(2026, 1, 15), amount=Decimal(1000)),
        "3.5848",
        dt.date(2025, 12, 23),
        "248/A/NBP/2025",
        "3584.80",
    ),
)
