"""VAT art. 113a(8): the turnover of the EU procedure for small enterprises is counted at the ECB's rate of the first
day of the year with one. Since 2025-01-01, known from the press.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import new_year
from markets.queries.tax.published import ECB, first
from markets.queries.tax.rule import Example, Question, Rule, Version

RULE = Rule(
    id="vat-sme",
    name_pl="procedura SME (VAT)",
    name_en="EU procedure for small enterprises (VAT)",
    versions=(Version("VAT art. 113a(8)", dt.date(2025, 1, 1)),),
    event=new_year,
    choose=lambda asked: first(ECB, new_year(asked), "EUR"),
    needs=("year",),
    fixed_code="EUR",
    inputs={"year": "Calendar year of the turnover."},
    example=Example(
        Question(rule="vat-sme", code="EUR", amount=Decimal(100000), year=2026),
        "4.2123",
        dt.date(2026, 1, 2),
        amount="421230.00",
    ),
)
