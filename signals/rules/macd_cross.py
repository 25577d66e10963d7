"""The MACD line crosses its signal line: the histogram turns positive (BUY) or negative (SELL)."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import formats
from signals import indicators
from signals.digits import rounded, small
from signals.rules.rule import OFFICIAL, Bar, Evaluated, Row, Rule, Sentence, Value, Values

if TYPE_CHECKING:
    import pandas as pd


class MacdCross(Rule):
    """Spans in bars. The state is fast average, slow average, signal line, bars so far, sign of the histogram."""

    needs = frozenset({"close", OFFICIAL})
    timeframes = ("1d",)
    # 250 bars: what the seeds of the averages weigh by then is below 1e-8 of a price with 12/26/9.
    warm_up = 250
    initial = (0.0, 0.0, 0.0, 0.0, 0.0)

    def __init__(self, fast: int, slow: int, signal: int) -> None:
        self.fast, self.slow, self.signal = fast, slow, signal
        self.weights = indicators.smoothing(fast), indicators.smoothing(slow), indicators.smoothing(signal)
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

    def step(self, state: Row, bar: Bar) -> tuple[Row, Row, int]:
        fast, slow, signal, bars, sign = state
        return indicators.macd_cross(fast, slow, signal, bars, sign, bar.close, *self.weights)

    def evaluate(self, bars: "pd.DataFrame", state: Row) -> Evaluated:
        # numba weighs 60 MB: only the processes that decide load it.
        from signals import compiled

        return Evaluated(*compiled.macd_cross(bars["close"].to_numpy(), self.weights, state))

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:
        earlier = values["previous_histogram"]
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

    def turning_close(self, values: Values) -> float | None:
        """The next close at which the histogram would be zero; None where no price can do it."""
        fast, slow, _signal = self.weights
        close = (
            values["signal_line"] - values["ema_fast"] * (1 - fast) + values["ema_slow"] * (1 - slow)
        ) / (fast - slow)  # fmt: skip
        return close if close > 0 else None

    def formula(self) -> tuple[str, str]:
        values = _(
            "MACD = EMA%(fast)s − EMA%(slow)s; linia sygnału = EMA%(line)s z MACD; histogram = MACD − linia sygnału. "
            "EMA z n dni: poprzednia EMA + 2/(n+1) · (kurs − poprzednia EMA), od pierwszego kursu."
        )
        decisions = _(
            "KUP: histogram staje się dodatni. SPRZEDAJ: histogram staje się ujemny. TRZYMAJ: każdy inny dzień; "
            "zero zachowuje poprzedni znak. Decyzje zapadają od %(warm_up)s. świecy; przerwa dłuższa niż 30 dni "
            "zaczyna liczenie od nowa."
        )
        spans = {"fast": self.fast, "slow": self.slow, "line": self.signal}
        return values % spans, decisions % {"warm_up": self.warm_up}
