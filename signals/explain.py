"""Why the newest BUY or SELL of an instrument was given, in words and with the two bars that decided."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from markets import formats
from signals import rules
from signals.history import Decision, RuleBar, turning_close
from signals.models import AnalysisSnapshot, Signal

Status = AnalysisSnapshot.Status
# A histogram is small beside its price: two decimals more than were published.
MORE = 2


@dataclass(frozen=True, slots=True)
class Explanation:
    """A bar is day, close, both averages, MACD, its signal line, histogram; `opposite` says what would turn it."""

    signal: str
    day: date
    sentence: str
    bars: list[list[str]]
    opposite: str
    backtested: bool


def small(value: float | Decimal, scale: int, sign: bool = True) -> str:
    """With two decimals more than the price; all ten where that would print a zero that is none."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    short = exact.quantize(Decimal(1).scaleb(-scale - MORE))
    shown = short if short or not exact else exact.quantize(Decimal(1).scaleb(-10))
    return formats.signed(shown) if sign else formats.number(shown)


def rounded(value: float, scale: int) -> Decimal:
    """A computed value with as many decimals as the figures it comes from."""
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-scale))


def explain(newest: Decision | None, bars: dict[date, RuleBar], scale: int) -> Explanation | None:
    """None where nothing has turned yet."""
    if newest is None:
        return None
    before = max((day for day in bars if day < newest.day), default=None)
    rows = [row(day, bars[day], scale) for day in (before, newest.day) if day in bars]
    return Explanation(
        signal=newest.signal,
        day=newest.day,
        sentence=sentence(newest, before, scale),
        bars=rows,
        opposite=opposite(newest, bars, scale),
        backtested=newest.backtested,
    )


def row(day: date, bar: RuleBar, scale: int) -> list[str]:
    prices = [formats.number(rounded(bar.close, scale))]
    averages = [small(value, scale, sign=False) for value in (bar.fast, bar.slow)]
    return [formats.day(day), *prices, *averages, *(small(value, scale) for value in bar[3:])]


def sentence(newest: Decision, before: date | None, scale: int) -> str:
    earlier = newest.values.get("previous_histogram")
    facts = {
        "before": "–" if earlier is None else small(earlier, scale),
        "day_before": formats.day(before) if before else _("poprzednia świeca"),
        "after": small(newest.histogram, scale),
        "day": formats.day(newest.day),
    }
    if newest.signal == Signal.Label.BUY:
        text = _(
            "Histogram MACD stał się dodatni: z %(before)s (%(day_before)s) na %(after)s (%(day)s). "
            "Linia MACD przecięła linię sygnału od dołu, dlatego reguła mówi KUP."
        )
    else:
        text = _(
            "Histogram MACD stał się ujemny: z %(before)s (%(day_before)s) na %(after)s (%(day)s). "
            "Linia MACD przecięła linię sygnału od góry, dlatego reguła mówi SPRZEDAJ."
        )
    return text % facts


def opposite(newest: Decision, bars: dict[date, RuleBar], scale: int) -> str:
    """What must happen for the other signal, and from which next price on it would."""
    if not bars:
        return ""
    day, bar = next(reversed(bars.items()))
    facts = {"day": formats.day(day), "now": small(bar.histogram, scale)}
    if newest.signal == Signal.Label.BUY:
        text = _("Sygnał SPRZEDAJ pojawi się, gdy histogram spadnie poniżej 0 (%(day)s wynosił %(now)s).")
        bound = _(" Wystarczy do tego następne notowanie poniżej ok. %(price)s zł.")
    else:
        text = _("Sygnał KUP pojawi się, gdy histogram wzrośnie powyżej 0 (%(day)s wynosił %(now)s).")
        bound = _(" Wystarczy do tego następne notowanie powyżej ok. %(price)s zł.")
    close = turning_close(bar, rules.macd_cross())
    price = "" if close is None else bound % {"price": formats.number(rounded(close, scale))}
    return text % facts + price
