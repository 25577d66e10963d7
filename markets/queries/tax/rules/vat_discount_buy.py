"""VAT art. 31b(3): the buyer of goods from another EU country, or of a service from abroad, may convert a discount on
a period at the rate of the last working day before the document of the discount, of the NBP or of the ECB. Since
2023-07-01.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import before, chosen
from markets.queries.tax.rule import Example, Question, Rule, Version

RULE = Rule(
    id="vat-discount-buy",
    name_pl="rabat przy WNT lub imporcie usług (VAT)",
    name_en="discount on intra-EU purchases or imported services (VAT)",
    versions=(Version("VAT art. 31b(3)", dt.date(2023, 7, 1)),),
    event=the_date,
    choose=lambda asked: before(chosen(asked), the_date(asked)),
    takes=("choice",),
    is_optional=True,
    inputs={"date": "Date of the document that grants the discount."},
    example=Example(
        Question(rule="vat-discount-buy", code="USD", date=dt.date(2026, 3, 21), amount=Decimal(-100)),
        "3.7032",
        dt.date(2026, 3, 20),
        "055/A/NBP/2026",
        "-370.32",
    ),
)
