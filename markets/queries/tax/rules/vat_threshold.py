"""VAT art. 31a(5): the thresholds in EUR of VAT (7a, 45, 48, 52, 56, 138a, 138i) become PLN at the ECB's rate of the
first working day of October of the year before, to whole PLN. The first day is not verified: we take that of the EU
package for e-commerce, 2021-07-01.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import new_year, october_before
from markets.queries.tax.published import ECB, first
from markets.queries.tax.rule import Example, Question, Rounding, Rule, Version

RULE = Rule(
    id="vat-threshold",
    name_pl="progi kwotowe w euro (VAT)",
    name_en="thresholds in euro (VAT)",
    versions=(Version("VAT art. 31a(5)", dt.date(2021, 7, 1), is_first_day_verified=False),),
    event=new_year,
    choose=lambda asked: first(ECB, october_before(asked), "EUR"),
    needs=("year",),
    fixed_code="EUR",
    rounding=Rounding.ZLOTY,
    inputs={"year": "Tax year for which the threshold holds."},
    example=Example(
        Question(rule="vat-threshold", code="EUR", amount=Decimal(10000), year=2026),
        "4.2583",
        dt.date(2025, 10, 1),
        amount="42583",
    ),
)
