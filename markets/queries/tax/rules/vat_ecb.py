"""VAT art. 31a(1) and (2), second sentences: who has chosen the ECB takes its last published rate before the day on
which the NBP's would be looked for; another currency than EUR goes through EUR. Since 2013; the first day is not
verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import tax_point, vat_day
from markets.queries.tax.published import ECB, before
from markets.queries.tax.rule import Example, Question, Rule, Version

RULE = Rule(
    id="vat-ecb",
    name_pl="kurs Europejskiego Banku Centralnego (VAT)",
    name_en="rate of the European Central Bank (VAT)",
    versions=(Version("VAT art. 31a(1)–(2), second sentences", dt.date(2013, 1, 1), is_first_day_verified=False),),
    event=tax_point,
    choose=lambda asked: before(ECB, vat_day(asked)),
    needs=("tax_point",),
    takes=("invoice_date",),
    is_optional=True,
    inputs={"invoice_date": "Day on which the invoice was issued (P_1); an earlier one than the tax point decides."},
    example=Example(
        Question(rule="vat-ecb", code="USD", amount=Decimal(1000), tax_point=dt.date(2026, 1, 7)),
        "3.59656615700008541898",
        dt.date(2026, 1, 6),
        amount="3596.57",
    ),
)
