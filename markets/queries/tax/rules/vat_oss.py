"""VAT art. 130c(7): the return of the one-stop shop is in EUR, and amounts become EUR at the ECB's rate of the last
day of the period, or of the next day with one. The rate is told in PLN for one EUR; an amount in PLN is divided by
it. Since July 2021; the first day is not verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import day_of
from markets.queries.tax.published import ECB, first
from markets.queries.tax.rule import Choice, Example, Question, Rule, Version


def period_end(asked: Question) -> dt.date:
    return day_of(asked, "period_end", "date")


def choose(asked: Question) -> Choice:
    """Of an amount in PLN the rate is that of one EUR, by whichever of the two names it is asked for."""
    return first(ECB, period_end(asked), "EUR" if asked.code == "PLN" else "")


RULE = Rule(
    id="vat-oss",
    name_pl="procedura OSS, przeliczenie na euro (VAT)",
    name_en="one-stop shop, into euro (VAT)",
    versions=(Version("VAT art. 130c(7)", dt.date(2021, 7, 1), is_first_day_verified=False),),
    event=period_end,
    choose=choose,
    needs=("period_end",),
    into="EUR",
    inputs={
        "code": "PLN or EUR where the amount is in PLN, else the currency of the amount.",
        "period_end": "Last day of the period of the return; taken from `date` where that is given alone.",
    },
    example=Example(
        Question(rule="vat-oss", code="EUR", amount=Decimal(1000), period_end=dt.date(2024, 3, 31)),
        "4.2938",
        dt.date(2024, 4, 2),
        amount="232.89",
    ),
)
