"""The price of an ounce of gold in dollars, derived from two figures of the NBP: a gram in PLN, and the dollar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from markets.instruments.names import GOLD
from markets.queries.market_quotes import SourceQuote
from markets.queries.overview import TROY_OUNCE

DOLLAR = "USD"
CODES = (GOLD, DOLLAR)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Derived:
    """Dollars a troy ounce, to the cent; `change` in percent, from the figures that both published before."""

    price: Decimal
    change: Decimal | None
    gold: SourceQuote
    dollar: SourceQuote


def derived(found: Mapping[str, Sequence[SourceQuote]]) -> Derived | None:
    """From the quotes of CODES by their code; None where one of both is missing."""
    gold, dollar = official(found.get(GOLD, ())), official(found.get(DOLLAR, ()))
    if gold is None or dollar is None:
        return None
    now = gold.latest.price / dollar.latest.price
    before = gold.previous / dollar.previous if gold.previous and dollar.previous else None
    change = None if before is None else (now / before - 1) * 100
    return Derived((now * TROY_OUNCE).quantize(CENT, ROUND_HALF_UP), change, gold, dollar)


def official(quotes: Sequence[SourceQuote]) -> SourceQuote | None:
    """Gold of the NBP's own table, the dollar of its table A."""
    return next((one for one in quotes if one.latest.table in {"A", "gold"}), None)
