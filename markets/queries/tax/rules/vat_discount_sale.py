"""VAT art. 31b(2): a collective correction for a discount on a whole period (art. 106j(3)) may be converted at the
rate of the last working day before it is issued, of the NBP or of the ECB, in place of each original's. Since
2023-07-01.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import before, chosen
from markets.queries.tax.rule import Example, Question, Rule, Version

RULE = Rule(
    id="vat-discount-sale",
    name_pl="zbiorcza faktura korygująca z rabatem (VAT)",
    name_en="collective correction for a discount (VAT)",
    versions=(Version("VAT art. 31b(2)", dt.date(2023, 7, 1)),),
    event=the_date,
    choose=lambda asked: before(chosen(asked), the_date(asked)),
    takes=("choice",),
    is_optional=True,
    inputs={"date": "Day on which the collective correction is issued."},
    example=Example(
        Question(rule="vat-discount-sale", code="EUR", date=dt.date(2026, 3, 23), amount=Decimal(-100)),
        "4.2768",
        dt.date(2026, 3, 20),
        "055/A/NBP/2026",
        "-427.68",
    ),
)
