"""The next close at which a rule would say the opposite, found for every rule in the same way."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from markets import formats
from signals.digits import rounded
from signals.rules.rule import Bar, Row, Rule

# Looked for within this part of the newest close; halved so often, a part in a million millions of it is left.
REACH = 0.2
STEPS = 40


def turning_close(rule: Rule, state: Row, close: float, time: float, wanted: int) -> float | None:
    """The nearest next close, high and low at it, after which the rule decides `wanted` (1, -1); None within ±20 %."""

    def decides(price: float) -> bool:
        return rule.step(state, Bar(price, close, price, price, 0.0, time))[2] == wanted

    if decides(close):
        return close
    found = [edge(decides, close, close * far) for far in (1 - REACH, 1 + REACH) if decides(close * far)]
    return min(found, key=lambda price: abs(price - close), default=None)


def edge(decides: Callable[[float], bool], never: float, surely: float) -> float:
    """Between a close that does not and one that does."""
    for _step in range(STEPS):
        middle = (never + surely) / 2
        never, surely = (never, middle) if decides(middle) else (middle, surely)
    return surely


def said(price: float | None, close: float, wanted: int, scale: int) -> str:
    """In a sentence; six texts, since an ending that is glued on cannot be translated."""
    if price is None and wanted > 0:
        return _("W zasięgu 20% nie ma następnej ceny, przy której reguła powiedziałaby KUP.")
    if price is None:
        return _("W zasięgu 20% nie ma następnej ceny, przy której reguła powiedziałaby SPRZEDAJ.")
    if wanted > 0:
        text = (
            _("Reguła powie KUP przy następnej cenie od ok. %(price)s w górę.")
            if price >= close
            else _("Reguła powie KUP przy następnej cenie od ok. %(price)s w dół.")
        )
    elif price >= close:
        text = _("Reguła powie SPRZEDAJ przy następnej cenie od ok. %(price)s w górę.")
    else:
        text = _("Reguła powie SPRZEDAJ przy następnej cenie od ok. %(price)s w dół.")
    return text % {"price": formats.number(rounded(price, scale))}
