"""Which lines each indicator draws, in which panel and how."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from django.utils.translation import gettext as _

from charon.pages.charts.series import Series
from signals import drawn as signals

# Four decimals more than were published: a thousandth of a pixel.
MORE, SHOWN_MORE = 4, 2
OF_RSI = 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """A value of a rule as a line, dashes, bars, an edge of a band, or marks (`on`)."""

    value: str
    panel: str
    mark: str
    tone: str


DRAWINGS: dict[str, tuple[Drawing, ...]] = {
    "macd": (
        Drawing("ema_fast", "price", "ribbon", "fast"),
        Drawing("ema_slow", "price", "line", "slow"),
        Drawing("macd", "macd", "line", "mid"),
        Drawing("signal_line", "macd", "dash", "signal"),
        Drawing("histogram", "macd", "bar", "plus"),
    ),
    "rsi": (Drawing("rsi", "rsi", "line", "mid"),),
    "bollinger": (
        Drawing("upper", "price", "band", "bollinger"),
        Drawing("lower", "price", "line", "bollinger"),
        Drawing("middle", "price", "dash", "bollinger"),
    ),
    "squeeze": (Drawing("momentum", "squeeze", "bar", "plus"), Drawing("squeezed", "squeeze", "on", "signal")),
    "vwap": (Drawing("vwap", "price", "dash", "vwap"),),
}
PANELS = ("volume", "macd", "rsi", "squeeze")


def titles() -> dict[str, str]:
    """The switches."""
    return {
        "macd": "MACD",
        "rsi": "RSI",
        "bollinger": _("wstęgi Bollingera"),
        "ribbon": _("wstążka średnich"),
        "squeeze": _("ściśnięcie"),
        "vwap": "VWAP",
    }


def drawings(name: str) -> Sequence[Drawing]:
    """Of the ribbon as many lines as it has averages."""
    if name != "ribbon":
        return DRAWINGS[name]
    averages = [value.name for value in signals.indicator(name).values if value.title]
    return [Drawing(average, "price", "thin", f"ribbon-{number % 8}") for number, average in enumerate(averages)]


def lines(series: Series, slots: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Each line with a number or None for every slot; a slot of -1 is an interruption."""
    for name, rows in series.values.items():
        rule = signals.indicator(name)
        places = {value.name: (number, value.title) for number, value in enumerate(rule.values)}
        digits = OF_RSI if name == "rsi" else series.scale
        for drawing in drawings(name):
            column, title = places[drawing.value]
            more = 0 if drawing.panel in {"price", "rsi"} else SHOWN_MORE
            yield {
                "name": drawing.value,
                "label": title or titles()[name],
                "panel": drawing.panel,
                "mark": drawing.mark,
                "tone": drawing.tone,
                "decimals": digits + more,
                "values": [number_of(rows[row], column, digits + MORE) if row >= 0 else None for row in slots],
            }


def number_of(values: Sequence[float], column: int, digits: int) -> float | None:
    if not values or not isfinite(values[column]):
        return None
    return round(values[column], digits)


def levels(series: Series) -> dict[str, list[float]]:
    """Dashed lines across a panel: the bounds of the RSI rule, and zero."""
    found: dict[str, list[float]] = {"macd": [0], "squeeze": [0]}
    if "rsi" in series.values:
        found["rsi"] = [float(signals.indicator("rsi").arguments[name]) for name in ("low", "high")]
    return found


def column_text(values: Sequence[Any], slots: Sequence[int], text: Callable[[Any], str]) -> list[str | None]:
    return [text(values[row]) if row >= 0 and values[row] is not None else None for row in slots]
