"""The two legs of an exchange difference, alike for PIT, CIT and the flat rate: what was booked, and what was paid."""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import day_of
from markets.queries.tax.published import NBP, before
from markets.queries.tax.rule import Difference, Example, Given, Question

INPUTS = {
    "invoice_date": "Day on which the revenue arose or the cost was incurred.",
    "payment_date": "Day on which the money came in or went out.",
    "actual_rate": "Rate of the bank at which the money was really exchanged; without it the NBP's rate is taken.",
}


def booked_on(asked: Question) -> dt.date:
    return day_of(asked, "invoice_date")


def legs(asked: Question) -> Difference:
    """An actual rate has the day of payment with it: the NBP's rate before that day is what it is compared with."""
    paid_on = day_of(asked, "payment_date")
    later = before(NBP, paid_on) if asked.actual_rate is None else Given(asked.actual_rate, paid_on)
    return Difference(before(NBP, booked_on(asked)), later)


def warnings(asked: Question) -> list[str]:
    if day_of(asked, "payment_date") >= booked_on(asked):
        return []
    return ["The payment is earlier than the invoice: an advance may be revenue or cost on its own day."]


def example(rule: str, actual_rate: str | None, rate: str, amount: str) -> Example:
    asked = Question(
        rule=rule,
        code="EUR",
        amount=Decimal(10000),
        invoice_date=dt.date(2026, 3, 23),
        payment_date=dt.date(2026, 4, 7),
        actual_rate=Decimal(actual_rate) if actual_rate else None,
    )
    return Example(
        asked, rate, None if actual_rate else dt.date(2026, 4, 3), "" if actual_rate else "065/A/NBP/2026", amount
    )
