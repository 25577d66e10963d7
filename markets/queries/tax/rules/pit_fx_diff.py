"""Exchange differences of PIT art. 24c, and of the flat rate by art. 6(1c) of its act: the amount as it was booked
against the amount as it was paid, each at the NBP's rate of the day before; the payment at its actual rate where
there was one. An actual rate that is more than 5 % off the NBP's is to be explained (24c(5)). Since 2007, not
verified; the booked leg goes by art. 11a, so nothing before 2012 is answered.
"""

import datetime as dt

from markets.queries.tax import fx_difference
from markets.queries.tax.rule import ReadIn, Rule, Version

RULE = Rule(
    id="pit-fx-diff",
    name_pl="różnice kursowe (PIT, ryczałt)",
    name_en="exchange differences (PIT, flat rate)",
    versions=(Version("PIT art. 24c; flat-rate act art. 6(1c)", dt.date(2007, 1, 1), is_first_day_verified=False),),
    event=fx_difference.booked_on,
    choose=fx_difference.legs,
    needs=("invoice_date", "payment_date"),
    takes=("actual_rate",),
    warnings=fx_difference.warnings,
    source=ReadIn.PRACTICE,
    follows="pit-revenue",
    inputs=fx_difference.INPUTS,
    example=fx_difference.example("pit-fx-diff", None, "4.2776", "8.00"),
)
