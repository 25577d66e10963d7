"""A chart in words, for those who do not see it and for those who read it."""

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from charon.pages.badge import ICONS, word
from charon.pages.charts.series import MOST_SHAPES, Series, day_of, extremes, place, time_of
from markets import formats
from signals.digits import small
from signals.drawn import Turn
from signals.models import DAILY

# So many interruptions are told one by one, the newest first.
MOST_TOLD = 6


def range_names() -> dict[str, str]:
    """What the reader sees of a range whose key is Polish: R is rok, a year."""
    return {"1R": _("1R"), "5R": _("5R")}


def summary(series: Series, name: str) -> str:
    """The part in view in a sentence."""
    if not series.drawn:
        return ""
    low, high = extremes(series)
    first, last = max(series.view[0], series.comparable), series.view[1] - 1
    text = _(
        "%(name)s od %(first)s do %(last)s: na początku %(from)s, na końcu %(to)s, "
        "najniżej %(low)s (%(low_day)s), najwyżej %(high)s (%(high_day)s) %(unit)s."
    )
    rows = {"first": first, "last": last, "low_day": low, "high_day": high}
    values = {"from": first, "to": last, "low": low, "high": high}
    shown = {key: when(series, row) for key, row in rows.items()}
    shown |= {key: price(series, row) for key, row in values.items()}
    code = series.question.code
    said = text % (shown | {"name": f"{code}, {name}" if name else code, "unit": series.unit})
    return said.replace(" .", ".")


def when(series: Series, row: int) -> str:
    return when_text(series.columns.times[row], series)


def when_text(text: str, series: Series) -> str:
    daily = not series.question.candles or series.question.timeframe == DAILY
    return formats.day(day_of(text)) if daily else formats.moment(time_of(text))


def price(series: Series, row: int) -> str:
    scale = series.scale if series.question.candles else series.columns.scales[row]
    return formats.number(Decimal(f"{series.columns.closes[row]:.{scale}f}"))


def notes(series: Series) -> list[str]:
    """What a reader must know to read the drawing rightly."""
    return [*interruptions(series), *thinning(series)]


def interruptions(series: Series) -> Iterator[str]:
    told = [one for one in series.breaks if series.view[0] < one.at < series.view[1]]
    yield from (one.text for one in reversed(told[-MOST_TOLD:]))
    if len(told) > MOST_TOLD:
        count = formats.plural(len(told) - MOST_TOLD, _("przerwę,przerwy,przerw"))
        yield _("Wykres pokazuje jeszcze %(count)s w notowaniach; wszystkie są w tabeli.") % {"count": count}


def thinning(series: Series) -> Iterator[str]:
    if series.step > 1:
        count = formats.plural(series.high - series.low, _("notowanie,notowania,notowań"))
        yield _(
            "Zakres: %(count)s; wykres pokazuje co %(step)s. z nich i skrajne kursy, a sygnały przy najbliższym "
            "z nich. Po przybliżeniu widać każde notowanie."
        ) % {"count": count, "step": series.step}
    if len(series.turns) > MOST_SHAPES:
        yield _("Wykres pokazuje %(most)s najnowszych sygnałów.") % {"most": MOST_SHAPES}


def turn_text(turn: Turn, series: Series) -> str:
    """`▲ KUP z 12.03.2025: 3,8842 zł, histogram +0,000312`."""
    row = place(series, turn)
    facts = {
        "word": f"{ICONS[turn.signal]} {word(turn.signal)}",
        "day": when(series, row),
        "price": f"{price(series, row)}{formats.NBSP}{series.unit}".rstrip(),
        "histogram": histogram_text(turn.histogram, series.scale),
    }
    if turn.histogram is None:
        return _("%(word)s z %(day)s: %(price)s") % facts
    return _("%(word)s z %(day)s: %(price)s, histogram %(histogram)s") % facts


def histogram_text(value: float | Decimal | None, scale: int) -> str:
    """Only MACD has one."""
    return formats.DASH if value is None else small(value, scale)
