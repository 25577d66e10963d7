"""All sources of one instrument side by side: price, bid and ask, moment, and how far apart they are."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _

from charon.pages.crypto import figures, markets_beside
from markets import formats
from markets.queries.followed import SourceFacts
from markets.queries.gold_in_dollars import Derived
from markets.queries.market_quotes import SourceQuote
from markets.views import Row

# Basis points: a hundredth of a percent.
BASIS = 10_000
TENTH = Decimal("0.1")


def rows(quotes: Sequence[SourceQuote], listed: Mapping[str, SourceFacts], gold: Derived | None) -> list[Row]:
    """The one that answers first; then derived gold, and what is listed without a price that may be shown."""
    reference = quotes[0].latest.price if quotes else gold.price if gold else None
    found = [source_row(quote, reference, first=number == 0) for number, quote in enumerate(quotes)]
    if gold:
        found.append(gold_row(gold, reference, first=not quotes))
    priced = {quote.latest.source for quote in quotes}
    return found + [silent_row(source) for code, source in listed.items() if code not in priced]


def source_row(quote: SourceQuote, reference: Decimal | None, *, first: bool) -> Row:
    latest = quote.latest
    return figures.price_row(quote) | {
        "bid": figures.price_text(latest.bid, quote.scale) if latest.bid else "",
        "ask": figures.price_text(latest.ask, quote.scale) if latest.ask else "",
        "away": _("odniesienie") if first else away(latest.price, reference),
        "derived": "",
        "why": "",
    }


def gold_row(gold: Derived, reference: Decimal | None, *, first: bool) -> Row:
    return markets_beside.derived_row(gold) | {
        "derived": markets_beside.derived_words(gold),
        "away": _("odniesienie") if first else away(gold.price, reference),
        "bid": "",
        "ask": "",
        "why": "",
    }


def silent_row(source: SourceFacts) -> Row:
    hidden = not source.is_public
    why = _("niepubliczna: licencja źródła") if hidden else _("brak danych")
    if not source.enabled:
        why = _("%s, źródło wyłączone") % why
    return {"source": _(source.name), "why": why}


def away(price: Decimal, reference: Decimal | None) -> str:
    """In basis points, one decimal: `+1,2 pb`."""
    if not reference:
        return ""
    distance = ((price / reference - 1) * BASIS).quantize(TENTH, ROUND_HALF_UP)
    return _("%s pb") % formats.signed(distance)
