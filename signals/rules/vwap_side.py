"""The price changes the side of the day's VWAP: from below to above (BUY) or from above to below (SELL)."""

from decimal import Decimal
from math import isnan
from typing import Any, Self

from django.conf import settings
from django.utils.translation import gettext as _

from markets import formats
from signals.digits import rounded, small
from signals.indicators import averages, volume
from signals.rules.rule import Rule, Sentence, Value, Values

# The first bars of a day are compared with little more than themselves: it is decided from these on.
FIRST_OF_FIVE_MINUTES = 6
FIRST_OF_HOURS = 3


def vwap_side(row: Any, bar: Any, parameters: Any, values: Any) -> int:
    """Kept: the last side (1, -1; 0 until there is one), 1 once a bar opened off the full hour, the kind of the day
    (0 before the first, 1 begun late, 2 whole), and what the VWAP of the day keeps (4).

    Parameters: what the VWAP is multiplied with for the upper and the lower edge of the band that is no side, and the
    first deciding bar of a day for candles of five minutes and of an hour. Which of the two these are is seen by a bar
    that opened off the full hour: of six candles of five minutes in a row at most one opens on it. Values: VWAP,
    number of the bar in its day, and the side where it is known.

    A side is kept inside the band and over midnight; bars that come too early in their day do not move it. A day that
    the series does not have from its beginning decides nothing: its VWAP would be that of a part.
    """
    close, time = bar[0], bar[5]
    vwap, number = volume.vwap_day(row, 3, bar[2], bar[3], close, bar[4], time)
    values[0], values[1] = vwap, number
    if time % 3600.0 > 0.0:
        row[1] = 1.0
    if number == 1.0:
        row[2] = 2.0 if row[2] > 0.0 or time % 86400.0 == 0.0 else 1.0
    first = parameters[2] if row[1] > 0.0 else parameters[3]
    if row[2] < 2.0 or number < first or not vwap > 0.0:
        return 0
    side = 0.0
    if close > parameters[0] * vwap:
        side = 1.0
    elif close < parameters[1] * vwap:
        side = -1.0
    row[0], turned = averages.crossing(row[0], side)
    values[2] = row[0]
    return turned


class VwapSide(Rule):
    """`percent` of the VWAP is the half width of the band in which a price changes no side."""

    needs = frozenset({"close", "high", "low", "volume"})
    timeframes = ("1h", "5m")
    # From there on the kernel decides by the place of the bar in its day.
    warm_up = FIRST_OF_HOURS
    initial = (0.0,) * (3 + 4)
    kernel = staticmethod(vwap_side)

    def __init__(self, percent: float) -> None:
        self.parameters = 1 + percent / 100, 1 - percent / 100, float(FIRST_OF_FIVE_MINUTES), float(FIRST_OF_HOURS)
        self.arguments = {"percent": f"{percent:.10g}"}
        self.name = "vwap_side_{percent}".format(**self.arguments)
        self.percent = formats.number(Decimal(self.arguments["percent"]))
        self.label = f"VWAP {self.percent}%"
        self.values = (Value("vwap", "VWAP"), Value("bar_of_day"), Value("side"))

    @classmethod
    def configured(cls) -> Self:
        return cls(settings.VWAP_SIDE_PERCENT)

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:
        facts = {
            "close": formats.number(rounded(values["close"], scale)),
            "vwap": small(values["vwap"], scale, sign=False),
            "candles": formats.plural(int(values["bar_of_day"]), _("świecy,świecach,świecach")),
        }
        if signal == "BUY":
            text = _(
                "Cena przeszła nad VWAP tej doby (UTC): %(close)s wobec %(vwap)s, po %(candles)s od północy, "
                "dlatego reguła mówi KUP."
            )
        else:
            text = _(
                "Cena przeszła pod VWAP tej doby (UTC): %(close)s wobec %(vwap)s, po %(candles)s od północy, "
                "dlatego reguła mówi SPRZEDAJ."
            )
        return Sentence(text, facts)

    def vote(self, values: Values) -> int | None:
        """By the side; None while the day is young."""
        side = values["side"]
        return None if side is None or isnan(side) else int(side)

    def formula(self) -> tuple[str, str]:
        values = _(
            "VWAP doby = Σ(cena typowa · wolumen) / Σ wolumenu, sumy od 00:00 UTC; cena typowa = (najwyższa + "
            "najniższa + zamknięcie) / 3."
        )
        decisions = _(
            "KUP: cena jest więcej niż %(percent)s%% nad VWAP, a ostatnio była więcej niż %(percent)s%% pod nim. "
            "SPRZEDAJ: na odwrót. TRZYMAJ: każda inna świeca; bliżej VWAP i przez północ zostaje strona sprzed tego. "
            "Decyzje zapadają od %(hour)s. świecy godzinowej i %(five)s. pięciominutowej każdej doby, którą szereg ma "
            "od początku; przerwa dłuższa niż 20 świec zaczyna liczenie od nowa."
        )
        facts = {"percent": self.percent, "hour": FIRST_OF_HOURS, "five": FIRST_OF_FIVE_MINUTES}
        return values % facts, decisions % facts
