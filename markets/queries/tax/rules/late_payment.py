"""Act of 8 March 2013 on late payment, art. 10(1a): 40, 70 or 100 EUR for the cost of recovery, at the NBP's rate of
the last working day of the month before the one in which the claim fell due. Since 2020-01-01, known from the press.
"""

import datetime as dt
from decimal import Decimal

from markets.queries.tax.days import last_day, month_before, the_date
from markets.queries.tax.published import NBP_A, up_to
from markets.queries.tax.rule import Example, Question, ReadIn, Rule, Version

AMOUNTS = (Decimal(40), Decimal(70), Decimal(100))
STEPS = "40 EUR for a claim up to 5,000 PLN, 70 EUR above it and below 50,000 PLN, 100 EUR from 50,000 PLN."

RULE = Rule(
    id="late-payment",
    name_pl="rekompensata za koszty odzyskiwania należności",
    name_en="compensation for the cost of recovery",
    versions=(Version("Act of 8 March 2013 on late payment, art. 10(1a)", dt.date(2020, 1, 1)),),
    event=the_date,
    choose=lambda asked: up_to(NBP_A, last_day(month_before(the_date(asked))), "EUR"),
    fixed_code="EUR",
    warnings=lambda asked: [STEPS] if asked.amount not in AMOUNTS else [],
    source=ReadIn.PRACTICE,
    amounts=AMOUNTS,
    inputs={"date": "Day on which the claim fell due.", "amount": "40, 70 or 100 EUR, by the size of the claim."},
    example=Example(
        Question(rule="late-payment", code="EUR", date=dt.date(2026, 2, 10), amount=Decimal(40)),
        "4.2131",
        dt.date(2026, 1, 30),
        "020/A/NBP/2026",
        "168.52",
    ),
)
