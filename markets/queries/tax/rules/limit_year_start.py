"""CIT art. 19(1)(2): the limit of current revenue for the 9 % rate takes the NBP's rate of the first working day of
the tax year, to thousands of PLN. Since 2019; the first day is not verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import new_year
from markets.queries.tax.published import NBP_A, first
from markets.queries.tax.rule import Contradiction, Example, Question, ReadIn, Rounding, Rule, Version


def first_day(asked: Question) -> dt.date:
    """The first day of the tax year: 1 January where the year alone is given."""
    return asked.date or new_year(asked)


def contradictions(asked: Question) -> list[Contradiction]:
    if asked.date and asked.year and asked.date.year != asked.year:
        return [Contradiction(("date", "year"), "The tax year begins in another year than the one given.")]
    return []


RULE = Rule(
    id="limit-year-start",
    name_pl="limit przychodów dla stawki 9 % (CIT)",
    name_en="limit of revenue for the 9 % rate (CIT)",
    versions=(Version("CIT art. 19(1)(2)", dt.date(2019, 1, 1), is_first_day_verified=False),),
    event=first_day,
    choose=lambda asked: first(NBP_A, first_day(asked), "EUR"),
    needs=("date|year",),
    fixed_code="EUR",
    rounding=Rounding.THOUSAND,
    source=ReadIn.PRACTICE,
    contradictions=contradictions,
    inputs={"date": "First day of the tax year.", "year": "Tax year that begins on 1 January."},
    example=Example(
        Question(rule="limit-year-start", code="EUR", date=dt.date(2026, 1, 1), amount=Decimal(2000000)),
        "4.2156",
        dt.date(2026, 1, 2),
        "001/A/NBP/2026",
        "8431000",
    ),
)
