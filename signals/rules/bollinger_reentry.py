"""The close comes back between the Bollinger bands: from below the lower (BUY) or from above the upper one (SELL)."""

from decimal import Decimal
from math import isnan
from typing import Any, Self

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import formats
from signals.digits import rounded, small
from signals.indicators import bands
from signals.rules.rule import Rule, Sentence, Value, Values


def bollinger_reentry(row: Any, bar: Any, parameters: Any, values: Any) -> int:
    """Kept: 1 once there are bands, the close before, both bands of that bar (4), and what the bands keep (1 + span).

    Parameters: span, width. Values: lower band, middle, upper band, the close before, and both bands of that bar.
    """
    close, known = bar[0], row[0]
    close_before, lower_before, upper_before = row[1], row[2], row[3]
    lower, middle, upper = bands.bollinger(row, 4, close, parameters[0], parameters[1])
    values[0], values[1], values[2] = lower, middle, upper
    if upper >= lower:
        row[0], row[1], row[2], row[3] = 1.0, close, lower, upper
    if known == 0.0:
        return 0
    values[3], values[4], values[5] = close_before, lower_before, upper_before
    if close_before < lower_before and close >= lower:
        return 1
    return -1 if close_before > upper_before and close <= upper else 0


class BollingerReentry(Rule):
    """Span in bars, width in standard deviations. A close that stands on a band is back."""

    needs = frozenset({"close"})
    timeframes = ("1d", "4h", "1h", "5m")
    kernel = staticmethod(bollinger_reentry)

    def __init__(self, span: int, width: float) -> None:
        self.span = span
        self.parameters = float(span), width
        self.arguments = {"span": str(span), "width": f"{width:.10g}"}
        self.name = "bollinger_reentry_{span}_{width}".format(**self.arguments)
        self.width = formats.number(Decimal(self.arguments["width"]))
        self.label = str(gettext_lazy("Wstęgi Bollingera")) + f" {span}/{self.width}"
        # The bands need a whole window, and the bar before needs bands.
        self.warm_up = span + 1
        self.initial = (0.0,) * (4 + 1 + span)
        self.values = (
            Value("lower", str(gettext_lazy("Dolna wstęga"))),
            Value("middle", f"SMA{span}"),
            Value("upper", str(gettext_lazy("Górna wstęga"))),
            Value("previous_close"),
            Value("previous_lower"),
            Value("previous_upper"),
        )

    @classmethod
    def configured(cls) -> Self:
        return cls(settings.BOLLINGER_SPAN, settings.BOLLINGER_WIDTH)

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:
        band = "lower" if signal == "BUY" else "upper"
        facts = {
            "close_before": formats.number(rounded(values["previous_close"], scale)),
            "band_before": small(values[f"previous_{band}"], scale, sign=False),
            "close": formats.number(rounded(values["close"], scale)),
            "band": small(values[band], scale, sign=False),
        }
        if signal == "BUY":
            text = _(
                "Kurs wrócił od dołu do wnętrza wstęg Bollingera: %(close_before)s przy linii %(band_before)s "
                "(%(day_before)s), teraz %(close)s przy %(band)s (%(day)s), dlatego reguła mówi KUP."
            )
        else:
            text = _(
                "Kurs wrócił od góry do wnętrza wstęg Bollingera: %(close_before)s przy linii %(band_before)s "
                "(%(day_before)s), teraz %(close)s przy %(band)s (%(day)s), dlatego reguła mówi SPRZEDAJ."
            )
        return Sentence(text, facts)

    def vote(self, values: Values) -> int | None:
        """For buying under the lower band, for selling over the upper one."""
        lower, upper = values["lower"], values["upper"]
        if None in {lower, upper} or isnan(lower + upper):
            return None
        return int(values["close"] < lower) - int(values["close"] > upper)

    def formula(self) -> tuple[str, str]:
        values = _(
            "Linia środkowa: średnia z %(span)s kursów. Wstęgi: linia środkowa ± %(width)s · σ, gdzie σ² to średnia "
            "z (kurs − linia środkowa)² po tych samych %(span)s kursach (J. Bollinger)."
        )
        decisions = _(
            "KUP: poprzedni kurs leżał pod swoją dolną wstęgą, a ten już nie. SPRZEDAJ: poprzedni kurs leżał nad swoją "
            "górną wstęgą, a ten już nie. TRZYMAJ: każda inna świeca. Decyzje zapadają od %(warm_up)s. świecy; przerwa "
            "dłuższa niż 30 dni (na świecach: 20 świec) zaczyna liczenie od nowa."
        )
        facts = {"span": self.span, "width": self.width, "warm_up": self.warm_up}
        return values % facts, decisions % facts
