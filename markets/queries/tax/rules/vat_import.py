"""VAT art. 31a(3): imported goods are converted as customs law says, by the rule customs of the month in which the
customs debt arises. Since December 2008; the customs law that we know begins on 2016-05-01, and nothing before is
answered.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import the_date
from markets.queries.tax.rule import Example, Question, Rule, Version
from markets.queries.tax.rules.customs import of_month

RULE = Rule(
    id="vat-import",
    name_pl="import towarów (VAT)",
    name_en="import of goods (VAT)",
    versions=(Version("VAT art. 31a(3)", dt.date(2008, 12, 1)),),
    event=the_date,
    choose=lambda asked: of_month(the_date(asked)),
    follows="customs",
    inputs={"date": "Day on which the customs debt arises."},
    example=Example(
        Question(rule="vat-import", code="EUR", date=dt.date(2026, 1, 15), amount=Decimal(1000)),
        "4.2274",
        dt.date(2025, 12, 23),
        "248/A/NBP/2025",
        "4227.40",
    ),
)
