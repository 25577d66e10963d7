"""A chart in words, for those who do not see it, and all of it as the row of a template."""

from decimal import Decimal

from django.utils.translation import gettext as _

from charon.pages import chart
from charon.pages.badge import word
from charon.pages.chart import MOST_SHAPES, ChartSeries, histogram_text
from markets import formats
from markets.instruments.names import GOLD
from markets.instruments.redenominations import Break
from markets.queries.overview import LatestRate
from markets.views import Row


def summary(series: ChartSeries, name: str, unit: str) -> str:
    """The chart in a sentence, for those who do not see it."""
    points = series.comparable
    if not points:
        return ""
    low, high = min(points, key=lambda point: point.mid), max(points, key=lambda point: point.mid)
    text = _(
        "%(name)s od %(first)s do %(last)s: na początku %(from)s, na końcu %(to)s, "
        "najniżej %(low)s (%(low_day)s), najwyżej %(high)s (%(high_day)s) %(unit)s."
    )
    facts = {"first": points[0].day, "last": points[-1].day, "low_day": low.day, "high_day": high.day}
    values = {"from": points[0].mid, "to": points[-1].mid, "low": low.mid, "high": high.mid}
    shown = {key: formats.day(day) for key, day in facts.items()}
    shown |= {key: formats.number(value) for key, value in values.items()}
    return text % (shown | {"name": name, "unit": unit})


def notes(series: ChartSeries) -> list[str]:
    """What a reader must know to read the drawing rightly."""
    told = [
        _("Przerwa w notowaniach od %(a)s do %(b)s: na wykresie linia jest tam przerwana.")
        % {"a": formats.day(a), "b": formats.day(b)}
        for a, b in series.gaps
    ]
    told += map(break_words, series.breaks)
    if series.step > 1:
        days = formats.plural(len(series.whole), _("notowanie,notowania,notowań"))
        told.append(
            _("W tym zakresie jest %(days)s; wykres pokazuje co %(step)s. z nich oraz dni sygnałów i skrajnych kursów.")
            % {"days": days, "step": series.step}
        )
    if len(series.turns) > MOST_SHAPES:
        count = formats.plural(len(series.turns), _("sygnału,sygnałów,sygnałów"))
        told.append(_("Na wykresie jest %(most)s najnowszych z %(count)s.") % {"most": MOST_SHAPES, "count": count})
    return told


def break_words(row: Break) -> str:
    facts = {"code": row.code, "day": formats.day(row.day), "factor": formats.number(row.factor or Decimal(0))}
    if row.factor is None:
        text = _(
            "Od %(day)s kod %(code)s oznacza inną walutę, "
            "dlatego kursów sprzed tego dnia nie porównujemy z późniejszymi."
        )
    else:
        text = _(
            "Denominacja: od %(day)s 1 %(code)s to %(factor)s dawnych, "
            "dlatego kursów sprzed tego dnia nie porównujemy z późniejszymi."
        )
    return text % facts


def table(series: ChartSeries) -> list[list[str]]:
    """The drawn days, newest first: day, mid, bid, ask, histogram, signal."""
    words = {turn.day: word(turn.signal) for turn in series.turns}
    rows = []
    for point in reversed(series.points):
        bar = series.bars.get(point.day, {})
        figures = [formats.number(value) if value else "–" for value in (point.mid, point.bid, point.ask)]
        histogram = histogram_text(bar.get("histogram"), series.scale)
        rows.append([formats.day(point.day), *figures, histogram, words.get(point.day, "")])
    return rows


def chart_row(series: ChartSeries, line: LatestRate) -> Row:
    unit = "zł/g" if line.code == GOLD else "zł"
    words = summary(series, f"{line.code}, {line.name}", unit)
    counted = formats.plural(len(series.turns), _("sygnał,sygnały,sygnałów"))
    return {
        "payload": chart.payload(series, unit),
        "path": chart.path(series),
        "width": chart.WIDTH,
        "height": chart.HEIGHT,
        "summary": f"{words} {_('W tym zakresie: %s.') % counted}",
        "unit": unit,
        "notes": notes(series),
        "table": table(series),
        "macd": series.macd,
        "band": chart.band(series.points),
        "shapes": bool(series.shapes),
        "drawn": len(series.points) > 1,
    }
