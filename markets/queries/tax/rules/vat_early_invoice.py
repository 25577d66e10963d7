"""VAT art. 31a(2): an invoice issued before the tax point is converted at the NBP's average rate of the last working
day before its issue; so is an invoice for an advance that comes before the money. Since 2008-12-01, known from the
press.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import is_early, tax_point, vat_day
from markets.queries.tax.published import NBP, before
from markets.queries.tax.rule import Contradiction, Example, Question, Rule, Version

ID = "vat-early-invoice"


def contradictions(asked: Question) -> list[Contradiction]:
    if is_early(asked):
        return []
    return [Contradiction(("invoice_date", "tax_point"), "The invoice is not before the tax point: ask the rule vat.")]


def warnings(asked: Question) -> list[str]:
    """Whoever asked another rule learns why this one answers."""
    if asked.rule.lower() == ID:
        return []
    return ["The invoice is before the tax point, so VAT art. 31a(2) applies: the day before the invoice decides."]


RULE = Rule(
    id=ID,
    name_pl="faktura przed powstaniem obowiązku podatkowego (VAT)",
    name_en="invoice issued before the tax point (VAT)",
    versions=(Version("VAT art. 31a(2)", dt.date(2008, 12, 1)),),
    event=tax_point,
    choose=lambda asked: before(NBP, vat_day(asked)),
    needs=("tax_point", "invoice_date"),
    takes=("choice",),
    warnings=warnings,
    instead=lambda asked: "vat-ecb" if asked.choice == "ecb" else "",
    contradictions=contradictions,
    example=Example(
        Question(
            rule=ID,
            code="USD",
            amount=Decimal(1000),
            tax_point=dt.date(2026, 8, 5),
            invoice_date=dt.date(2026, 7, 31),
        ),
        "3.7644",
        dt.date(2026, 7, 30),
        "146/A/NBP/2026",
        "3764.40",
    ),
)
