"""StochRSI: %K crosses %D from below in the low zone (BUY), or from above in the high zone (SELL)."""

from math import isnan
from typing import Any, Self

from django.conf import settings
from django.utils.translation import gettext as _

from markets import formats
from signals.digits import rounded
from signals.indicators import strength
from signals.rules.rule import Rule, Sentence, Value, Values

# Of numbers between 0 and 100.
PLACES = 2


def stoch_rsi_cross(row: Any, bar: Any, parameters: Any, values: Any) -> int:
    """Kept: %K and %D of the bar before, whether they were known (1), then those of `stochastic_rsi`.

    Values: %K and %D, and both of the bar before.
    """
    k, d = strength.stochastic_rsi(row, 3, bar[0], parameters[0], parameters[1], parameters[2], parameters[3])
    known, k_before, d_before = row[2], row[0], row[1]
    values[0], values[1] = k, d
    if d != d:  # NaN; %D is the later of the two
        return 0
    row[0], row[1], row[2] = k, d, 1.0
    if known == 0.0:
        return 0
    values[2], values[3] = k_before, d_before
    if k_before <= d_before and k > d and d_before < parameters[4]:
        return 1
    if k_before >= d_before and k < d and d_before > parameters[5]:
        return -1
    return 0


class StochRsiCross(Rule):
    """Spans in bars; `low` and `high` bound the zones."""

    needs = frozenset({"close"})
    timeframes = ("1d", "4h", "1h", "5m")
    kernel = staticmethod(stoch_rsi_cross)
    values = (Value("k", "%K"), Value("d", "%D"), Value("previous_k"), Value("previous_d"))

    def __init__(self, span: int, window: int, smooth_k: int, smooth_d: int, low: int, high: int) -> None:
        self.low, self.high = low, high
        self.parameters = tuple(map(float, (span, window, smooth_k, smooth_d, low, high)))
        self.arguments = {
            "span": str(span),
            "window": str(window),
            "smooth_k": str(smooth_k),
            "smooth_d": str(smooth_d),
            "low": str(low),
            "high": str(high),
        }
        self.name = "_".join(["stoch_rsi_cross", *self.arguments.values()])
        self.label = f"StochRSI {span}/{window}/{smooth_k}/{smooth_d}"
        self.initial = (0.0,) * (3 + 5 + window + smooth_k + smooth_d)
        # After 14 spans Wilder's seed weighs (1 − 1/span)^(14 · span) < 1e-6; 250 with a span of 14 (206 would do).
        self.warm_up = max(250, 14 * span + window + smooth_k + smooth_d)

    @classmethod
    def configured(cls) -> Self:
        return cls(
            settings.STOCH_RSI_SPAN,
            settings.STOCH_RSI_WINDOW,
            settings.STOCH_RSI_SMOOTH_K,
            settings.STOCH_RSI_SMOOTH_D,
            settings.STOCH_RSI_LOW,
            settings.STOCH_RSI_HIGH,
        )

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:  # noqa: ARG002
        facts = {
            "k_before": formats.number(rounded(values["previous_k"], PLACES)),
            "d_before": formats.number(rounded(values["previous_d"], PLACES)),
            "k": formats.number(rounded(values["k"], PLACES)),
            "d": formats.number(rounded(values["d"], PLACES)),
            "low": str(self.low),
            "high": str(self.high),
        }
        if signal == "BUY":
            text = _(
                "Linia %%K przecięła linię %%D od dołu w strefie poniżej %(low)s: było %(k_before)s i %(d_before)s, "
                "jest %(k)s i %(d)s, dlatego reguła mówi KUP."
            )
        else:
            text = _(
                "Linia %%K przecięła linię %%D od góry w strefie powyżej %(high)s: było %(k_before)s i %(d_before)s, "
                "jest %(k)s i %(d)s, dlatego reguła mówi SPRZEDAJ."
            )
        return Sentence(text, facts)

    def vote(self, values: Values) -> int | None:
        """Where both lines lie in a zone and %K leads out of it."""
        k, d = values["k"], values["d"]
        if None in {k, d} or isnan(k + d):
            return None
        if d < k < self.low:
            return 1
        return -1 if d > k > self.high else 0

    def formula(self) -> tuple[str, str]:
        values = _(
            "StochRSI = 100 · (RSI%(span)s − najniższy) / (najwyższy − najniższy RSI z %(window)s świec), 50 gdy są "
            "równe; %%K = średnia z %(smooth_k)s StochRSI; %%D = średnia z %(smooth_d)s %%K. RSI ze średnich Wildera."
        )
        decisions = _(
            "KUP: %%K przecina %%D od dołu, a %%D leżało poniżej %(low)s. SPRZEDAJ: %%K przecina %%D od góry, a %%D "
            "leżało powyżej %(high)s. TRZYMAJ: każda inna świeca. Decyzje zapadają od %(warm_up)s. świecy; przerwa "
            "dłuższa niż 30 dni (na świecach: 20 świec) zaczyna liczenie od nowa."
        )
        return values % self.arguments, decisions % {**self.arguments, "warm_up": self.warm_up}
