"""What one currency is worth in another: a published figure, or one computed from two of the same day.

Every computed rate is a Decimal of the published digits, divided once when it is answered and rounded half up to
SIGNIFICANT digits, and says from which figures it comes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cached_property
from typing import Any

from markets.instruments import redenominations
from markets.instruments.names import GOLD
from markets.queries.figures import Figure, Series

ZLOTY = "PLN"
# Published mids have four to six of them; two more keep what a division adds.
SIGNIFICANT = 8
ROUNDING = f"half_up_{SIGNIFICANT}_significant"
# A mid has at most 20 digits and an amount 15: their products are exact.
EXACT = Context(prec=80, rounding=ROUND_HALF_UP)
ONE = Decimal(1)


@dataclass(frozen=True)
class Pair:
    """`base` in `quote`. `top` and `below` are the codes whose figures are needed: EUR and USD for EUR in USD; both
    are empty for a currency in itself. `grams` is how much gold one of it is: the NBP publishes the gram.
    """

    base: str
    quote: str
    top: str = ""
    below: str = ""
    grams: Decimal = ONE

    @property
    def code(self) -> str:
        """That of the instrument where there is one: `USD` is the dollar in PLN."""
        return self.base if self.quote == ZLOTY else f"{self.base}{self.quote}"

    @cached_property
    def legs(self) -> tuple[str, ...]:
        return tuple(code for code in (self.top, self.below) if code)

    @property
    def is_published(self) -> bool:
        """Whether its figures are the publisher's own."""
        return bool(self.top) and not self.below and self.grams == ONE


def pair(base: str, quote: str) -> Pair:
    """Of two currencies of the NBP, or of one and PLN."""
    if base == quote:
        return Pair(base, quote)
    return Pair(base, quote, "" if base == ZLOTY else base, "" if quote == ZLOTY else quote)


def common_days(pair: Pair, known: Mapping[str, Series]) -> list[date]:
    """The days on which all its legs were published, ascending; none for a currency in itself, which needs none."""
    found = [known[code] for code in pair.legs if code in known]
    if len(found) < len(pair.legs) or not found:
        return []
    if len(found) == 1:
        return found[0].days
    return [day for day in found[0].days if day in found[1].figures]


def crosses_break(pair: Pair, one: date, other: date) -> bool:
    """Whether the pair's figures of these days are for different units of money."""
    return any(redenominations.crosses(code, min(one, other), max(one, other)) for code in pair.legs)


def worth(pair: Pair, figures: Sequence[Figure], amount: Decimal = ONE) -> Decimal | None:
    """So many of the base in the quote, exact but for the one division; None where a leg has no mid (table C)."""
    mids = dict(zip(pair.legs, (figure.value for figure in figures), strict=True))
    if None in mids.values():
        return None
    above, below = (EXACT.multiply(mids.get(code) or ONE, grams(code, pair)) for code in (pair.top, pair.below))
    product = EXACT.multiply(amount, above)
    return EXACT.divide(product, below) if pair.below else product


def grams(code: str, pair: Pair) -> Decimal:
    return pair.grams if code == GOLD else ONE


def rounded(value: Decimal) -> Decimal:
    """To SIGNIFICANT digits, half up; whole numbers keep all of theirs."""
    places = SIGNIFICANT - 1 - value.adjusted()
    return value.quantize(ONE.scaleb(-max(places, 0)), ROUND_HALF_UP, EXACT)


def written(value: Decimal | None, *, exact: bool) -> str | None:
    """Without an exponent. What was only multiplied keeps all of its digits."""
    if value is None:
        return None
    return f"{value if exact else rounded(value):f}"


def fields(pair: Pair, figures: Sequence[Figure]) -> dict[str, Any]:
    """What a row says of its value: the published figure as it is, or the computed one and its legs."""
    if pair.is_published:
        (one,) = figures
        return {
            "mid": one.mid, "bid": one.bid, "ask": one.ask, "source": one.source, "table": one.table,
            "table_no": one.number or None, "derived": False, "legs": None,
        }  # fmt: skip
    return {
        "mid": written(worth(pair, figures), exact=not pair.below),
        "bid": None,
        "ask": None,
        "source": shared(figure.source for figure in figures),
        "table": shared(figure.table for figure in figures),
        "table_no": shared(figure.number for figure in figures) or None,
        "derived": True,
        "legs": [leg(code, figure) for code, figure in zip(pair.legs, figures, strict=True)],
    }


def shared(values: Iterable[str | None]) -> str | None:
    """What all legs have in common, else None."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def leg(code: str, figure: Figure) -> dict[str, Any]:
    return {
        "code": code,
        "mid": figure.mid,
        "effective_date": figure.day,
        "source": figure.source,
        "table": figure.table,
        "table_no": figure.number or None,
    }


NOTHING: dict[str, Any] = {
    "mid": None, "bid": None, "ask": None, "source": None, "table": None, "table_no": None, "derived": False,
    "legs": None,
}  # fmt: skip
