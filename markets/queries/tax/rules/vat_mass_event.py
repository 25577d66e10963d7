"""VAT art. 31a(4): whoever organises a mass event may convert as customs law says, by the rule customs of the month
of the tax point. We do not know since when: the first day is not verified and is that of the customs law.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import tax_point
from markets.queries.tax.rule import Example, Question, Rule, Version
from markets.queries.tax.rules.customs import of_month

RULE = Rule(
    id="vat-mass-event",
    name_pl="imprezy masowe (VAT)",
    name_en="mass events (VAT)",
    versions=(Version("VAT art. 31a(4)", dt.date(2016, 5, 1), is_first_day_verified=False),),
    event=tax_point,
    choose=lambda asked: of_month(tax_point(asked)),
    needs=("tax_point",),
    is_optional=True,
    follows="customs",
    example=Example(
        Question(rule="vat-mass-event", code="USD", amount=Decimal(100), tax_point=dt.date(2026, 1, 31)),
        "3.5848",
        dt.date(2025, 12, 23),
        "248/A/NBP/2025",
        "358.48",
    ),
)
