"""The MACD line crosses its signal line: the histogram turns positive (BUY) or negative (SELL)."""

from typing import Any, Self

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import formats
from signals.digits import rounded, small
from signals.indicators import averages
from signals.rules.rule import Rule, Sentence, Value, Values


def macd_cross(row: Any, bar: Any, weights: Any, values: Any) -> int:
    """Kept: fast average, slow average, signal line, bars so far, sign of the histogram (5).

    Values: both averages, MACD, signal line, histogram, and the histogram of the bar before. The averages begin with
    the first close, and the signal line with zero, which MACD is then.
    """
    if row[3] > 0.0:
        values[5] = row[0] - row[1] - row[2]
    line, signal, histogram = averages.macd(row, 0, bar[0], weights[0], weights[1], weights[2])
    row[4], turned = averages.crossing(row[4], histogram)
    values[0], values[1], values[2], values[3], values[4] = row[0], row[1], line, signal, histogram
    return turned


class MacdCross(Rule):
    """Spans in bars."""

    needs = frozenset({"close"})
    timeframes = ("1d", "4h", "1h", "5m")
    # 250 bars: what the seeds of the averages weigh by then is below 1e-8 of a price with 12/26/9.
    warm_up = 250
    initial = (0.0, 0.0, 0.0, 0.0, 0.0)
    kernel = staticmethod(macd_cross)

    def __init__(self, fast: int, slow: int, signal: int) -> None:
        self.fast, self.slow, self.signal = fast, slow, signal
        self.parameters = averages.smoothing(fast), averages.smoothing(slow), averages.smoothing(signal)
        self.arguments = {"fast": str(fast), "slow": str(slow), "signal": str(signal)}
        self.name = f"macd_signal_cross_{fast}_{slow}_{signal}"
        self.label = f"MACD {fast}/{slow}/{signal}"
        self.values = (
            Value("ema_fast", f"EMA{fast}"),
            Value("ema_slow", f"EMA{slow}"),
            Value("macd", "MACD", signed=True),
            Value("signal_line", str(gettext_lazy("Linia sygnału")), signed=True),
            Value("histogram", str(gettext_lazy("Histogram")), signed=True),
            Value("previous_histogram"),
        )

    @classmethod
    def configured(cls) -> Self:
        return cls(settings.MACD_FAST, settings.MACD_SLOW, settings.MACD_SIGNAL)

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:
        earlier = values.get("previous_histogram")  # the first release did not keep it
        facts = {
            "before": "–" if earlier is None else small(earlier, scale),
            "after": small(values["histogram"], scale),
        }
        if signal == "BUY":
            text = _(
                "Histogram MACD stał się dodatni: z %(before)s (%(day_before)s) na %(after)s (%(day)s). "
                "Linia MACD przecięła linię sygnału od dołu, dlatego reguła mówi KUP."
            )
        else:
            text = _(
                "Histogram MACD stał się ujemny: z %(before)s (%(day_before)s) na %(after)s (%(day)s). "
                "Linia MACD przecięła linię sygnału od góry, dlatego reguła mówi SPRZEDAJ."
            )
        return Sentence(text, facts)

    def opposite(self, values: Values, signal: str, day: str, scale: int) -> str:
        if signal == "BUY":
            text = _("Sygnał SPRZEDAJ pojawi się, gdy histogram spadnie poniżej 0 (%(day)s wynosił %(now)s).")
            bound = _(" Wystarczy do tego następne notowanie poniżej ok. %(price)s zł.")
        else:
            text = _("Sygnał KUP pojawi się, gdy histogram wzrośnie powyżej 0 (%(day)s wynosił %(now)s).")
            bound = _(" Wystarczy do tego następne notowanie powyżej ok. %(price)s zł.")
        close = self.turning_close(values)
        price = "" if close is None else bound % {"price": formats.number(rounded(close, scale))}
        return text % {"day": day, "now": small(values["histogram"], scale)} + price

    def vote(self, values: Values) -> int:
        histogram: float = values["histogram"]
        return (histogram > 0) - (histogram < 0)

    def turning_close(self, values: Values) -> float | None:
        """The next close at which the histogram would be zero; None where no price can do it."""
        fast, slow, _signal = self.parameters
        close = (
            values["signal_line"] - values["ema_fast"] * (1 - fast) + values["ema_slow"] * (1 - slow)
        ) / (fast - slow)  # fmt: skip
        return close if close > 0 else None

    def formula(self) -> tuple[str, str]:
        values = _(
            "MACD = EMA%(fast)s − EMA%(slow)s; linia sygnału = EMA%(line)s z MACD; histogram = MACD − linia sygnału. "
            "EMA z n świec: poprzednia EMA + 2/(n+1) · (kurs − poprzednia EMA), od pierwszego kursu."
        )
        decisions = _(
            "KUP: histogram staje się dodatni. SPRZEDAJ: histogram staje się ujemny. TRZYMAJ: każda inna świeca; "
            "zero zachowuje poprzedni znak. Decyzje zapadają od %(warm_up)s. świecy; przerwa dłuższa niż "
            "30 dni (na świecach: 20 świec) zaczyna liczenie od nowa."
        )
        spans = {"fast": self.fast, "slow": self.slow, "line": self.signal}
        return values % spans, decisions % {"warm_up": self.warm_up}
