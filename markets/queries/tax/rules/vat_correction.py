"""VAT art. 31b(1): a correction is converted at the rate of the invoice that it corrects, be it a second correction,
a currency that is gone, or a past choice of the ECB. The rate comes from the original's dates or is given as it was
stored; the day of the correction decides nothing but whether the law was in force. Since 2023-07-01, known from the
press.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import correction_day, original_vat_day
from markets.queries.tax.published import before, chosen
from markets.queries.tax.rule import Choice, Contradiction, Example, Given, Question, Rule, Version


def choose(asked: Question) -> Choice:
    """The stored rate where it is given, else the one that the original's own dates lead to."""
    if asked.actual_rate is not None:
        return Given(asked.actual_rate, asked.original_tax_point)
    return before(chosen(asked), original_vat_day(asked))


def contradictions(asked: Question) -> list[Contradiction]:
    found = []
    if asked.date and asked.invoice_date and asked.date != asked.invoice_date:
        found.append(Contradiction(("date", "invoice_date"), "Both are the day of the correction, and they differ."))
    if asked.original_invoice_date and asked.original_invoice_date > correction_day(asked):
        fields = ("original_invoice_date", "date" if asked.date else "invoice_date")
        found.append(Contradiction(fields, "The original invoice is later than its correction."))
    return found


RULE = Rule(
    id="vat-correction",
    name_pl="faktura korygująca: kurs faktury pierwotnej (VAT)",
    name_en="correcting invoice: the rate of the original (VAT)",
    versions=(Version("VAT art. 31b(1)", dt.date(2023, 7, 1)),),
    event=correction_day,
    choose=choose,
    needs=("original_tax_point|actual_rate",),
    takes=("original_invoice_date", "date", "invoice_date", "choice"),
    contradictions=contradictions,
    inputs={
        "actual_rate": "Rate of the original invoice as it was stored; its dates are then not needed.",
        "choice": "Whose rates the original was converted at: nbp or ecb.",
        "date": "Day on which the correction is issued; today where it is not given.",
        "invoice_date": "The same as `date`.",
    },
    example=Example(
        Question(
            rule="vat-correction",
            code="EUR",
            date=dt.date(2026, 3, 23),
            amount=Decimal(-100),
            original_tax_point=dt.date(2025, 12, 29),
        ),
        "4.2274",
        dt.date(2025, 12, 23),
        "248/A/NBP/2025",
        "-422.74",
    ),
)
