"""VAT art. 31a(1), first sentence: the NBP's average rate of the last working day before the tax point. An invoice
that is earlier than the tax point goes by 31a(2) instead, and a taxpayer who has chosen the ECB by the second
sentences. Since 2008-12-01, known from the press.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import is_early, tax_point, vat_day
from markets.queries.tax.published import NBP, before
from markets.queries.tax.rule import Example, Question, Rule, Version


def instead(asked: Question) -> str:
    """The rule of the ECB for who has chosen it, that of an early invoice where P_1 is before the tax point."""
    if asked.choice == "ecb":
        return "vat-ecb"
    return "vat-early-invoice" if is_early(asked) else ""


RULE = Rule(
    id="vat",
    name_pl="podstawa opodatkowania w walucie obcej (VAT)",
    name_en="taxable amount in a foreign currency (VAT)",
    versions=(Version("VAT art. 31a(1)", dt.date(2008, 12, 1)),),
    event=tax_point,
    choose=lambda asked: before(NBP, vat_day(asked)),
    needs=("tax_point",),
    takes=("invoice_date", "choice"),
    instead=instead,
    inputs={"invoice_date": "Day on which the invoice was issued (P_1); an earlier one than the tax point decides."},
    example=Example(
        Question(
            rule="vat",
            code="USD",
            amount=Decimal(1000),
            tax_point=dt.date(2026, 7, 31),
            invoice_date=dt.date(2026, 8, 5),
        ),
        "3.7644",
        dt.date(2026, 7, 30),
        "146/A/NBP/2026",
        "3764.40",
    ),
)
