"""UCC art. 53(1)(b), IA art. 48(1): EUR in the tariff is converted all month at the last ECB rate before the
penultimate day of the month before. Where the last ECB rate before the 15th is more than 5 % off, that one holds from
the 15th. Since 2016-05-01.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import month_before, penultimate_day, the_date
from markets.queries.tax.published import ECB, before
from markets.queries.tax.rule import Choice, Example, Question, Rule, Unless, Version

CHANGES_ON = 15  # day of the month, IA art. 48(1)
PERCENT = Decimal(5)


def choose(asked: Question) -> Choice:
    day = the_date(asked)
    usual = before(ECB, penultimate_day(month_before(day)), "EUR")
    if day.day < CHANGES_ON:
        return usual
    return Unless(usual, before(ECB, day.replace(day=CHANGES_ON), "EUR"), PERCENT)


RULE = Rule(
    id="customs-tariff",
    name_pl="kwoty w euro w taryfie celnej",
    name_en="amounts in euro in the customs tariff",
    versions=(Version("UCC art. 53(1)(b), IA art. 48(1)", dt.date(2016, 5, 1)),),
    event=the_date,
    choose=choose,
    fixed_code="EUR",
    inputs={"date": "Day of the customs declaration."},
    example=Example(
        Question(rule="customs-tariff", code="EUR", date=dt.date(2024, 7, 10), amount=Decimal(1000)),
        "4.309",
        dt.date(2024, 6, 28),
        amount="4309.00",
    ),
)
