"""Exchange differences of CIT art. 15a(2)–(5): booked against paid, each at the NBP's rate of the day before, the
payment at its actual rate where there was one; more than 5 % off the NBP's is to be explained (15a(5)). Since 2007;
the first day is not verified.
"""

import datetime as dt

from markets.queries.tax import fx_difference
from markets.queries.tax.rule import ReadIn, Rule, Version

RULE = Rule(
    id="cit-fx-diff",
    name_pl="różnice kursowe (CIT)",
    name_en="exchange differences (CIT)",
    versions=(Version("CIT art. 15a(2)–(5)", dt.date(2007, 1, 1), is_first_day_verified=False),),
    event=fx_difference.booked_on,
    choose=fx_difference.legs,
    needs=("invoice_date", "payment_date"),
    takes=("actual_rate",),
    warnings=fx_difference.warnings,
    source=ReadIn.PRACTICE,
    inputs=fx_difference.INPUTS,
    example=fx_difference.example("cit-fx-diff", "4.29", "4.29", "132.00"),
)
