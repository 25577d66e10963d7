"""Currencies and metals of markets beside the coins: the euro by the ECB, gold by the NBP, the rest."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from charon.pages.crypto import figures, source_notes, words
from markets import formats
from markets.queries import gold_in_dollars
from markets.queries.followed import Followed, SourceFacts
from markets.queries.gold_in_dollars import Derived
from markets.queries.market_quotes import SourceQuote
from markets.queries.overview import TROY_OUNCE
from markets.views import Row

GOLD = "XAUUSD"


def context(
    others: Sequence[Followed], priced: Mapping[str, Sequence[SourceQuote]], sources: Mapping[str, SourceFacts]
) -> Row:
    """`beside` has a row for each that has a price, the urgent ones first; `without` are the others."""
    gold = gold_in_dollars.derived(priced)
    urgent_first = sorted(others, key=lambda one: (one.priority, one.code))
    made = [(one, row_of(one, priced.get(one.code, ()), gold)) for one in urgent_first]
    return {
        "beside": [row for _one, row in made if row],
        "without": [{"code": one.code, "href": words.page_of(one.code)} for one, row in made if not row],
        "hidden": source_notes.hidden_rows(others, sources),
    }


def row_of(one: Followed, quotes: Sequence[SourceQuote], gold: Derived | None) -> Row | None:
    shared: Row = {
        "code": one.code,
        "base": one.base,
        "quote": one.quote,
        "name": one.name,
        "href": words.page_of(one.code),
        "urgent": one.is_urgent,
    }
    if quotes:
        return shared | {"price": official_change(quotes[0]), "derived": ""}
    if one.code == GOLD and gold:
        return shared | {"price": derived_row(gold), "derived": derived_words(gold)}
    return None


def official_change(quote: SourceQuote) -> Row:
    """A price; of an official rate the change since the one before it."""
    row = figures.price_row(quote)
    if not quote.latest.table or not quote.previous:
        return row
    return row | figures.change_row((quote.latest.price / quote.previous - 1) * 100) | {"since_previous": True}


def derived_row(gold: Derived) -> Row:
    """Of the older of both days."""
    day = min(gold.gold.latest.ts, gold.dollar.latest.ts).date()
    return {
        "value": formats.number(gold.price),
        "unit": "USD",
        **figures.change_row(gold.change),
        "since_previous": True,
        "at": None,
        "iso": day.isoformat(),
        "day": formats.day(day),
        "old": gold.gold.latest.stale or gold.dollar.latest.stale,
        "source": _(gold.gold.source_name),
        "table": "gold",
        "number": "",
    }


def derived_words(gold: Derived) -> str:
    """How it is reckoned, with both publications."""
    facts = {
        "gram": figures.price_text(gold.gold.latest.price, gold.gold.scale),
        "gold_day": formats.day(gold.gold.latest.ts.date()),
        "ounce": formats.number(TROY_OUNCE),
        "dollar": figures.price_text(gold.dollar.latest.price, gold.dollar.scale),
        "table": gold.dollar.number or _("tabela A"),
        "dollar_day": formats.day(gold.dollar.latest.ts.date()),
    }
    return (
        _(
            "wyliczone: złoto NBP %(gram)s zł/g z %(gold_day)s × %(ounce)s g / kurs USD %(dollar)s zł "
            "(%(table)s z %(dollar_day)s)"
        )
        % facts
    )
