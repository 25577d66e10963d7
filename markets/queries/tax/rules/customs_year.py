"""UCC art. 53(2), IA art. 48(2): other amounts in EUR of customs law are converted for a calendar year at the ECB's
rate of the first working day of October of the year before. Since 2016-05-01, so 2017 is the first whole year.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import new_year, october_before
from markets.queries.tax.published import ECB, first
from markets.queries.tax.rule import Example, Question, Rule, Version

RULE = Rule(
    id="customs-year",
    name_pl="kwoty w euro w prawie celnym na rok",
    name_en="amounts in euro of customs law, for a year",
    versions=(Version("UCC art. 53(2), IA art. 48(2)", dt.date(2016, 5, 1)),),
    event=new_year,
    choose=lambda asked: first(ECB, october_before(asked), "EUR"),
    needs=("year",),
    fixed_code="EUR",
    inputs={"year": "Calendar year in which the amount holds."},
    example=Example(
        Question(rule="customs-year", code="EUR", amount=Decimal(1000), year=2026),
        "4.2583",
        dt.date(2025, 10, 1),
        amount="4258.30",
    ),
)
