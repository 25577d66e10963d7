"""The RSI comes back from an extreme: from below 30 (BUY) or from above 70 (SELL)."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import isnan, log
from typing import Any, Self

from django.conf import settings
from django.utils.translation import gettext as _

from markets import formats
from signals.indicators import strength
from signals.rules.rule import Rule, Sentence, Value, Values

HUNDREDTH = Decimal("0.01")


def rsi_reversal(row: Any, bar: Any, parameters: Any, values: Any) -> int:
    """Kept: the RSI of the bar before, -1 until there is one (1), and what the RSI keeps (4).

    Parameters: span, low, high. Values: the RSI, and that of the bar before.
    """
    low, high, before = parameters[1], parameters[2], row[0]
    now = strength.rsi(row, 1, bar[0], parameters[0])
    values[0] = now
    if now >= 0.0:
        row[0] = now
    if before < 0.0:
        return 0
    values[1] = before
    if before < low <= now:
        return 1
    return -1 if before > high >= now else 0


class RsiReversal(Rule):
    """Span in bars; both bounds between 0 and 100. A bar that stands on a bound has left the zone beyond it."""

    needs = frozenset({"close"})
    timeframes = ("1d", "4h", "1h", "5m")
    initial = (-1.0, 0.0, 0.0, 0.0, 0.0)
    kernel = staticmethod(rsi_reversal)

    def __init__(self, span: int, low: int, high: int) -> None:
        self.span, self.low, self.high = span, low, high
        self.parameters = float(span), float(low), float(high)
        self.arguments = {"span": str(span), "low": str(low), "high": str(high)}
        self.name = f"rsi_reversal_{span}_{low}_{high}"
        self.label = f"RSI {span}, {low}/{high}"
        # Bar 200 with 14: of both averages the first 14 changes weigh a millionth by then.
        self.warm_up = span + int(log(1e-6) / log(1 - 1 / span))
        self.values = (Value("rsi", f"RSI({span})"), Value("previous_rsi"))

    @classmethod
    def configured(cls) -> Self:
        return cls(settings.RSI_SPAN, settings.RSI_LOW, settings.RSI_HIGH)

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:  # noqa: ARG002
        # 29.996 was below 30 and 70.004 above 70: rounded to the nearest hundredth they would stand on the bound.
        rounding = ROUND_FLOOR if signal == "BUY" else ROUND_CEILING
        before, after = (
            formats.number(Decimal(repr(values[name])).quantize(HUNDREDTH, rounding))
            for name in ("previous_rsi", "rsi")
        )
        if signal == "BUY":
            text = _(
                "RSI(%(span)s) wyszedł ze strefy poniżej %(low)s: z %(before)s (%(day_before)s) na %(after)s "
                "(%(day)s), dlatego reguła mówi KUP."
            )
        else:
            text = _(
                "RSI(%(span)s) wyszedł ze strefy powyżej %(high)s: z %(before)s (%(day_before)s) na %(after)s "
                "(%(day)s), dlatego reguła mówi SPRZEDAJ."
            )
        return Sentence(text, {**self.arguments, "before": before, "after": after})

    def vote(self, values: Values) -> int | None:
        """For buying in the lower zone while the RSI rises, for selling in the upper one while it falls."""
        now, before = values["rsi"], values["previous_rsi"]
        if None in {now, before} or isnan(now + before):
            return None
        return int(before < now < self.low) - int(before > now > self.high)

    def formula(self) -> tuple[str, str]:
        values = _(
            "RSI(%(span)s) = 100 · g / (g + l), gdzie g to średni wzrost, a l średni spadek (J. W. Wilder, 1978). "
            "Pierwsze g i l: średnie z %(span)s zmian; dalej: (%(less)s · poprzednia średnia + zmiana) / %(span)s. "
            "Gdy kurs się nie zmienia, RSI = 50."
        )
        decisions = _(
            "KUP: RSI był poniżej %(low)s i już nie jest. SPRZEDAJ: RSI był powyżej %(high)s i już nie jest. TRZYMAJ: "
            "każda inna świeca. Decyzje zapadają od %(warm_up)s. świecy; przerwa dłuższa niż "
            "30 dni (na świecach: 20 świec) zaczyna liczenie od nowa."
        )
        facts = {**self.arguments, "less": self.span - 1, "warm_up": self.warm_up}
        return values % facts, decisions % facts
