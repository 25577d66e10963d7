"""The small form that other pages carry: a day, a currency and a rule lead to the answer on a page of its own."""

from datetime import date, timedelta

from django.utils.translation import gettext as _

from charon.pages.tax import choices, typed
from markets import formats
from markets.instruments.names import currency_name
from markets.views import Row

# What Polish taxpayers are paid in most often; the field takes every other code as well.
COMMON = ("EUR", "USD", "GBP", "CHF", "CZK", "NOK", "SEK", "DKK", "CAD", "UAH", "JPY", "HUF")


def ask_row(today: date, code: str = "USD") -> Row:
    """For `tax/_ask.html`: yesterday, this currency, the most common rule. No statement; `today` is that of Warsaw."""
    language = "en" if formats.english() else "pl"
    return {
        "day": typed.shown_day(today - timedelta(days=1)),
        "code": code,
        "currencies": [{"code": one, "name": currency_name(one, language)} for one in COMMON],
        "rules": [{"value": value, "name": _(name)} for value, name in choices.COMMON],
    }
