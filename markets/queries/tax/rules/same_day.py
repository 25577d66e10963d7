"""Civil code art. 358 §2–3: a debt in a foreign currency that is paid in PLN counts at the NBP's rate of the day on
which it falls due; where the debtor is late the creditor may take the day of payment. Before 12:15 that day's table
is not out yet. Since 2009-01-24, known from the press.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.published import NBP, up_to
from markets.queries.tax.rule import Example, Question, ReadIn, Rule, Version


def deciding_day(asked: Question) -> dt.date:
    """The day on which the debt falls due, or that of the payment where it is late."""
    return max(the_date(asked), asked.payment_date or dt.date.min)


def warnings(asked: Question) -> list[str]:
    if deciding_day(asked) == asked.date:
        return []
    return ["The payment is late: the day of payment is taken, which the creditor may demand (KC art. 358 §3)."]


RULE = Rule(
    id="same-day",
    name_pl="kurs z dnia wymagalności lub zapłaty (KC)",
    name_en="rate of the due day or of the payment (civil code)",
    versions=(Version("KC art. 358 §2–3", dt.date(2009, 1, 24)),),
    event=deciding_day,
    choose=lambda asked: up_to(NBP, deciding_day(asked)),
    takes=("payment_date",),
    warnings=warnings,
    source=ReadIn.PRACTICE,
    inputs={"date": "Day on which the debt falls due.", "payment_date": "Day of payment, where it is late."},
    example=Example(
        Question(rule="same-day", code="USD", date=dt.date(2026, 10, 21), amount=Decimal(1000)),
        "3.8889",
        dt.date(2026, 10, 21),
        "205/A/NBP/2026",
        "3888.90",
    ),
)
