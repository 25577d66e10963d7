"""A TTM squeeze ends: the way of the momentum says BUY or SELL."""

from decimal import Decimal
from math import isnan
from typing import Any, Self

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import formats
from signals.digits import small
from signals.indicators import squeeze
from signals.rules.rule import Rule, Sentence, Value, Values

# For so many bars after the one on which a squeeze ended the momentum counts for the rating.
RECENT = 5


def squeeze_fired(row: Any, bar: Any, parameters: Any, values: Any) -> int:
    """Kept: bars of the squeeze that lasts, bars since one ended (0: none has, 1: this bar), then those of `squeeze`.

    Values: momentum, whether the bands lie inside the channel, bars of the squeeze (on the bar that ends it, of the
    ended one), bars since one ended (0: on this bar).
    """
    on, fired, momentum = squeeze.squeeze(
        row, 2, bar[2], bar[3], bar[0], parameters[0], parameters[1], parameters[2]
    )  # fmt: skip
    if on == 1.0:
        row[0] += 1.0
    values[0], values[1], values[2] = momentum, on, row[0]
    if fired == 1.0:
        row[1] = 1.0
    elif row[1] > 0.0:
        row[1] += 1.0
    if row[1] > 0.0:
        values[3] = row[1] - 1.0
    if on != 1.0:
        row[0] = 0.0
    if fired == 1.0 and momentum > 0.0:
        return 1
    if fired == 1.0 and momentum < 0.0:
        return -1
    return 0


class SqueezeFired(Rule):
    """`span` in bars, `width` in standard deviations, `factor` in mean true ranges."""

    needs = frozenset({"high", "low", "close"})
    timeframes = ("5m", "1h", "4h")
    kernel = staticmethod(squeeze_fired)
    values = (
        Value("momentum", str(gettext_lazy("Impet")), signed=True),
        Value("squeezed"),
        Value("squeeze_bars"),
        Value("bars_since"),
    )

    def __init__(self, span: int, width: float, factor: float) -> None:
        self.parameters = float(span), width, factor
        # Written with every digit, else two rules could have one name.
        self.arguments = {
            "span": str(span),
            "width": repr(width).removesuffix(".0"),
            "factor": repr(factor).removesuffix(".0"),
        }
        self.name = "_".join(["squeeze_fired", *self.arguments.values()])
        self.numbers = {name: formats.number(Decimal(text)) for name, text in self.arguments.items()}
        self.label = "TTM Squeeze " + "/".join(self.numbers.values())
        self.initial = (0.0, 0.0) + (0.0,) * squeeze.squeeze_size(span)
        # The momentum is known from bar 2 · span − 2 on; nothing is seeded. 40 with a span of 20.
        self.warm_up = 2 * span

    @classmethod
    def configured(cls) -> Self:
        return cls(settings.SQUEEZE_SPAN, settings.SQUEEZE_WIDTH, settings.SQUEEZE_FACTOR)

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:
        facts = {
            "bars": formats.plural(int(values["squeeze_bars"]), _("świecę,świece,świec")),
            "momentum": small(values["momentum"], scale),
        }
        if signal == "BUY":
            text = _(
                "Ściśnięcie trwało %(bars)s i się skończyło, a impet jest dodatni: %(momentum)s, "
                "dlatego reguła mówi KUP."
            )
        else:
            text = _(
                "Ściśnięcie trwało %(bars)s i się skończyło, a impet jest ujemny: %(momentum)s, "
                "dlatego reguła mówi SPRZEDAJ."
            )
        return Sentence(text, facts)

    def vote(self, values: Values) -> int | None:
        """The sign of the momentum on the bar that ended a squeeze and on the five after it; 0 later."""
        momentum, since = values["momentum"], values["bars_since"]
        if momentum is None or isnan(momentum):
            return None
        recent = since is not None and since <= RECENT
        return (momentum > 0) - (momentum < 0) if recent else 0

    def formula(self) -> tuple[str, str]:
        values = _(
            "Ściśnięcie trwa, gdy wstęgi Bollingera (SMA%(span)s ± %(width)s σ) leżą wewnątrz kanału SMA%(span)s ± "
            "%(factor)s · średnia z %(span)s rzeczywistych zakresów. Impet = koniec prostej regresji z %(span)s świec "
            "dla: kurs − (środek między najwyższym a najniższym kursem z %(span)s świec + SMA%(span)s) / 2."
        )
        decisions = _(
            "KUP: ściśnięcie się kończy, a impet jest dodatni. SPRZEDAJ: ściśnięcie się kończy, a impet jest ujemny. "
            "TRZYMAJ: każda inna świeca. Decyzje zapadają od %(warm_up)s. świecy; przerwa dłuższa niż 20 świec zaczyna "
            "liczenie od nowa."
        )
        return values % self.numbers, decisions % {"warm_up": self.warm_up}
