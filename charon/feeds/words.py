"""A figure in words and digits, as a picture and a frame show it."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from charon.feeds.figures import Figure
from markets import formats
from markets.models import Instrument
from markets.queries.history import Point
from markets.queries.prices import decimals


def unit(instrument: Instrument) -> str:
    """`1 USD`, `1 g`: what the figure is the price of."""
    return f"1 {instrument.unit}" if instrument.kind == Instrument.Kind.METAL else f"1 {instrument.base}"


def price(figure: Figure, value: Decimal | None = None) -> str:
    """`3,8647 zł`: the figure, or another value of its series with no fewer decimals."""
    if value is None:
        return formats.money(figure.value, figure.instrument.quote)
    least = max(0, -int(figure.value.as_tuple().exponent))
    return formats.money(value.quantize(Decimal(1).scaleb(-max(least, decimals(value)))), figure.instrument.quote)


def when(moment: date) -> str:
    return formats.moment(moment) if isinstance(moment, datetime) else formats.day(moment)


def sentence(figure: Figure) -> str:
    """`1 USD = 3,8647 zł (tabela A z 20.11.2026)`."""
    facts = {"unit": unit(figure.instrument), "price": price(figure), "when": when(figure.when), "table": figure.table}
    if figure.table in {"A", "B"}:
        said = _("%(unit)s = %(price)s (tabela %(table)s z %(when)s)") % facts
    else:
        said = _("%(unit)s = %(price)s (%(when)s)") % facts
    return f"{said}, {figure.old}" if figure.old else said


def span(figure: Figure, points: Sequence[Point]) -> str:
    """What a line shows, for those who do not see it."""
    if len(points) < 2:
        return ""
    values = [point.mid for point in points]
    facts = {
        "first": formats.day(points[0].day),
        "last": formats.day(points[-1].day),
        "low": price(figure, min(values)),
        "high": price(figure, max(values)),
    }
    return _("Od %(first)s do %(last)s: najniżej %(low)s, najwyżej %(high)s.") % facts
