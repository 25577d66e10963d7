"""The prices of an hour, a day or a week up to the newest one: lowest, highest, mean and a line."""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charon.pages import sparkline
from charon.pages.crypto import figures
from markets.queries.market_quotes import SourceQuote, Steps
from markets.views import Row

WIDTH, HEIGHT = 600, 140


class Window(NamedTuple):
    """`title` as on its button; its steps carry the line and the mean."""

    title: object
    steps: Steps
    each: object


def spanning(step: timedelta, count: int) -> Steps:
    return Steps(step, count, with_span=True)


WINDOWS = {
    "1h": Window(gettext_lazy("1\u00a0h"), spanning(timedelta(minutes=3), 20), gettext_lazy("co 3 minuty")),
    "24h": Window(gettext_lazy("24\u00a0h"), spanning(timedelta(hours=1), 24), gettext_lazy("co godzinę")),
    "7d": Window(gettext_lazy("7\u00a0dni"), spanning(timedelta(hours=7), 24), gettext_lazy("co 7 godzin")),
}
DEFAULT = "24h"


def chosen(text: str) -> str:
    return text if text in WINDOWS else DEFAULT


def window_row(quote: SourceQuote | None, name: str) -> Row:
    """`why` where there is nothing to show."""
    window = WINDOWS[name]
    shared: Row = {"name": name, "title": str(window.title), "each": str(window.each)}
    if quote is None:
        return shared | {"why": _("Brak cen, które wolno pokazać.")}
    if quote.latest.table:
        return shared | {"why": _("To kurs oficjalny, ogłaszany raz w dniu roboczym: nie ma cen w ciągu dnia.")}
    if quote.lowest is None or quote.highest is None:
        return shared | {"why": _("W tym oknie nie ma jeszcze cen.")}
    scale = figures.digits(quote)
    points = quote.points
    return shared | {
        "low": figures.printed(quote.lowest, scale),
        "high": figures.printed(quote.highest, scale),
        "mean": figures.printed(mean(points), scale) if points else "",
        "points": sparkline.points(points, WIDTH, HEIGHT),
        "since": quote.since if is_part(quote, window) else None,
        "width": WIDTH,
        "height": HEIGHT,
    }


def is_part(quote: SourceQuote, window: Window) -> bool:
    """Whether the prices begin more than a step after the window does: it is named only as far as it is known."""
    steps = window.steps
    begin = quote.latest.ts - steps.step * (steps.count - 1)
    return quote.since is not None and quote.since > begin


def mean(points: tuple[Decimal, ...]) -> Decimal:
    """Of prices at even distances, so that a minute with many polls weighs no more than another."""
    with localcontext(prec=50):
        total = sum(points, Decimal(0)) / len(points)
    return total.quantize(Decimal(1).scaleb(-10), ROUND_HALF_UP)
