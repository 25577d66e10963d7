"""Limits in EUR of a year: small taxpayer, books, flat rate, de minimis aid. Each act takes the NBP's rate of the
first working day of October of the year before; the small taxpayer's limit is rounded to thousands of PLN, that of
the flat rate is not. Each act has a first day of its own: the one here is not verified.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import new_year, october_before
from markets.queries.tax.published import NBP_A, first
from markets.queries.tax.rule import Example, Question, ReadIn, Rounding, Rule, Version

NOT_ROUNDED = "To thousands of PLN as for a small taxpayer; the flat rate's limit is amount × rate, not rounded so."

RULE = Rule(
    id="limit-october",
    name_pl="limity roczne w euro (kurs z października)",
    name_en="limits of a year in euro (rate of October)",
    versions=(
        Version(
            "small taxpayer, books, flat rate, de minimis: each by its act",
            dt.date(2007, 1, 1),
            is_first_day_verified=False,
        ),
    ),
    event=new_year,
    choose=lambda asked: first(NBP_A, october_before(asked), "EUR"),
    needs=("year",),
    fixed_code="EUR",
    rounding=Rounding.THOUSAND,
    warnings=lambda _: [NOT_ROUNDED],
    source=ReadIn.PRACTICE,
    inputs={"year": "Year for which the limit holds."},
    example=Example(
        Question(rule="limit-october", code="EUR", amount=Decimal(2000000), year=2026),
        "4.2586",
        dt.date(2025, 10, 1),
        "190/A/NBP/2025",
        "8517000",
    ),
)
