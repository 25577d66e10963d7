"""Eight averages line up: each faster one above the next slower one (BUY), or each below (SELL)."""

from collections.abc import Sequence
from typing import Any, Self

from django.conf import settings
from django.utils.translation import gettext as _

from signals.indicators import averages
from signals.rules.rule import Rule, Sentence, Value, Values


def ribbon_trend(row: Any, bar: Any, weights: Any, values: Any) -> int:
    """Kept: the last full order (1 rising, -1 falling, 0 none yet), then those of `ribbon` (1 + one an average).

    Values: the averages from the fastest to the slowest, and the order of this bar (0 where it is not full).
    """
    count = len(weights)
    averages.ribbon(row, 1, bar[0], weights, 0, count)
    rising, falling = True, True
    for i in range(count):
        values[i] = row[2 + i]
        if i > 0:
            rising = rising and row[1 + i] > row[2 + i]
            falling = falling and row[1 + i] < row[2 + i]
    order = 1.0 if rising else -1.0 if falling else 0.0
    values[count] = order
    row[0], turned = averages.crossing(row[0], order)
    return turned


class RibbonTrend(Rule):
    """`spans` in bars, ascending."""

    needs = frozenset({"close"})
    timeframes = ("1d", "4h", "1h", "5m")
    kernel = staticmethod(ribbon_trend)

    def __init__(self, spans: Sequence[int]) -> None:
        self.spans = tuple(spans)
        self.parameters = tuple(averages.smoothing(span) for span in spans)
        self.arguments = {"spans": ",".join(map(str, spans))}
        self.name = "ribbon_trend_" + "_".join(map(str, spans))
        self.label = f"EMA {spans[0]}–{spans[-1]}"
        self.initial = (0.0,) * (2 + len(spans))
        # After 7 · (span + 1) bars the seed weighs (1 − 2/(span + 1))^bars < 1e-6; 400 with a slowest span of 55.
        self.warm_up = max(400, 7 * (spans[-1] + 1))
        self.values = (*(Value(f"ema_{span}", f"EMA{span}") for span in spans), Value("order"))

    @classmethod
    def configured(cls) -> Self:
        return cls(settings.RIBBON_SPANS)

    def explain(self, values: Values, signal: str, scale: int) -> Sentence:  # noqa: ARG002
        facts = {"fast": str(self.spans[0]), "slow": str(self.spans[-1])}
        if signal == "BUY":
            text = _(
                "Osiem średnich (EMA %(fast)s–%(slow)s) ułożyło się w porządku: każda krótsza leży nad dłuższą, "
                "dlatego reguła mówi KUP."
            )
        else:
            text = _(
                "Osiem średnich (EMA %(fast)s–%(slow)s) ułożyło się w porządku: każda krótsza leży pod dłuższą, "
                "dlatego reguła mówi SPRZEDAJ."
            )
        return Sentence(text, facts)

    def vote(self, values: Values) -> int | None:
        return None if values["order"] is None else int(values["order"])

    def formula(self) -> tuple[str, str]:
        values = _(
            "EMA z %(spans)s świec: poprzednia EMA + 2/(n+1) · (kurs − poprzednia EMA), od pierwszego kursu. "
            "Porządek jest pełny, gdy każda krótsza średnia leży nad dłuższą albo każda pod nią."
        )
        decisions = _(
            "KUP: każda krótsza leży nad dłuższą, a ostatni pełny porządek był odwrotny. SPRZEDAJ: każda krótsza leży "
            "pod dłuższą, a ostatni pełny porządek był odwrotny. TRZYMAJ: każda inna świeca. Decyzje zapadają od "
            "%(warm_up)s. świecy; przerwa dłuższa niż 30 dni (na świecach: 20 świec) zaczyna liczenie od nowa."
        )
        return values % {"spans": ", ".join(map(str, self.spans))}, decisions % {"warm_up": self.warm_up}
