"""The rating of a series: what its rules say together, from -1 (all sell) to 1 (all buy).

It rates states, not events: a rule has a vote on every bar. A rating is computed when it is asked for and has no row.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from django.utils.translation import gettext as _

from markets import formats
from signals.digits import rounded

# Fewer rules are no majority.
FEWEST = 3
STRONG, WEAK = 0.5, 0.1
PLACES = 2


class Label(StrEnum):
    STRONG_BUY = "STRONG_BUY"
    BUY = "BUY"
    NEUTRAL = "NEUTRAL"
    SELL = "SELL"
    STRONG_SELL = "STRONG_SELL"


class Rating(NamedTuple):
    """How many of the `rules` stand for buying, for selling and for neither; `value` is their mean vote."""

    value: float
    label: Label
    buy: int
    sell: int
    neutral: int
    rules: int


def rate(votes: Iterable[int | None]) -> Rating | None:
    """Of the votes (1, 0, -1) of the rules that apply to a series and are warm; None is no vote.

    None where fewer than three rules vote.
    """
    cast = [vote for vote in votes if vote is not None]
    if len(cast) < FEWEST:
        return None
    value = sum(cast) / len(cast)
    return Rating(value, label(value), cast.count(1), cast.count(-1), cast.count(0), len(cast))


def label(value: float) -> Label:
    """A quotient of two whole numbers is the double nearest to it, and so are the cut points: 1/10 is one of them."""
    if value > STRONG:
        return Label.STRONG_BUY
    if value >= WEAK:
        return Label.BUY
    if value >= -WEAK:
        return Label.NEUTRAL
    return Label.SELL if value >= -STRONG else Label.STRONG_SELL


def sentence(rating: Rating) -> str:
    """In the language of the moment."""
    text = _("Ocena %(value)s z %(rules)s: %(buy)s za kupnem, %(sell)s za sprzedażą, %(neutral)s bez wskazania.")
    return text % {
        "value": formats.signed(rounded(rating.value, PLACES)),
        "rules": formats.plural(rating.rules, _("reguły,reguł,reguł")),
        "buy": formats.whole(rating.buy),
        "sell": formats.whole(rating.sell),
        "neutral": formats.whole(rating.neutral),
    }
