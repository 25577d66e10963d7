"""VAT art. 31a(2a)–(2d): a taxpayer may convert for VAT as for income tax, which is the day before the day of
revenue. The choice binds for twelve months; what income tax cannot convert falls back to 31a(1) or (2). Since
2021-01-01, known from the press.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import NBP, before
from markets.queries.tax.rule import Example, Question, Rule, Version

RULE = Rule(
    id="vat-income-tax",
    name_pl="kurs stosowany w podatku dochodowym (VAT)",
    name_en="the rate of income tax, taken for VAT",
    versions=(Version("VAT art. 31a(2a)–(2d)", dt.date(2021, 1, 1)),),
    event=the_date,
    choose=lambda asked: before(NBP, the_date(asked)),
    is_optional=True,
    warnings=lambda _: ["The choice of the income tax rate binds for 12 months (VAT art. 31a(2b)–(2d))."],
    inputs={"date": "Day on which the revenue arises for income tax."},
    example=Example(
        Question(rule="vat-income-tax", code="USD", date=dt.date(2025, 11, 3), amount=Decimal(1000)),
        "3.6751",
        dt.date(2025, 10, 31),
        "212/A/NBP/2025",
        "3675.10",
    ),
)
