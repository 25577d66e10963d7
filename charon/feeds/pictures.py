"""The badge and the sparkline: pictures without a script, whose colours follow the reader's theme or the address."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from charon.feeds import figures, instruments, words
from charon.feeds.answers import public
from charon.feeds.atom import clean
from charon.feeds.questions import Asked
from charon.pages import rows, sparkline
from markets.models import Instrument
from markets.queries.history import Point, thinned
from markets.views import Row

CONTENT_TYPE = "image/svg+xml; charset=utf-8"
# The pairs of static/app.css, which hold 4.5:1 on their ground.
LIGHT = (
    ".left{fill:#e9edf2}.code{fill:#17212e}.up{fill:#0b5cad}.down{fill:#a34700}.flat{fill:#556273}.value{fill:#fff}"
    ".area{fill:#e6eef7}.line{stroke:#5b7ea6}.dot{fill:#0b5296}.none{fill:#556273}"
)
DARK = (
    ".left{fill:#263140}.code{fill:#e5eaf1}.up{fill:#8fc1ff}.down{fill:#ffb27a}.flat{fill:#9dabbb}.value{fill:#0f141b}"
    ".area{fill:#1d2a3a}.line{stroke:#7fa3cc}.dot{fill:#8fc1ff}.none{fill:#9dabbb}"
)
STYLES = {"light": LIGHT, "dark": DARK, "auto": f"{LIGHT}@media(prefers-color-scheme:dark){{{DARK}}}"}
# Widths in Verdana at 11 pixels; the picture says how wide a text is, so another font is squeezed and not cut.
NARROW, WIDE, USUAL = frozenset(" .,:·i l"), frozenset("WMmw@▲▼%"), 7.0
PADDING = 6
WIDTH, HEIGHT, MOST_POINTS = 240, 60, 240
# Room for the dot on every side of the line.
RIM = 4


@public("lang", "theme")
def badge(request: HttpRequest, asked: Asked, code: str) -> HttpResponse:  # noqa: ARG001
    instrument = instruments.found(code)
    return picture("feeds/badge.svg", asked.theme, badge_row(instrument, figures.newest(instrument)))


@public("lang", "theme", "days")
def spark(request: HttpRequest, asked: Asked, code: str) -> HttpResponse:  # noqa: ARG001
    instrument = instruments.found(code)
    figure = figures.newest(instrument)
    points = figures.series(figure, asked.days).points if figure else []
    row = line_row(points) | {
        "title": clean(title_of(instrument, words.sentence(figure) if figure else _("brak danych"))),
        "description": clean(words.span(figure, points) if figure else ""),
        "empty": _("brak danych"),
    }
    return picture("feeds/spark.svg", asked.theme, row)


def picture(template: str, theme: str, row: Row) -> HttpResponse:
    """Opened by itself it may use its one style and load nothing."""
    style = STYLES[theme]
    response = HttpResponse(render_to_string(template, row | {"style": mark_safe(style)}), content_type=CONTENT_TYPE)  # noqa: S308  a constant
    digest = b64encode(sha256(style.encode()).digest()).decode()
    response.headers["Content-Security-Policy"] = f"default-src 'none'; style-src 'sha256-{digest}'"
    return response


def badge_row(instrument: Instrument, figure: figures.Figure | None) -> Row:
    """The day is always in it: a picture that somebody kept must not pass for a rate of today."""
    label = clean(f"DEMO {instrument.code}" if settings.DEMO else instrument.code)
    parts = [_("brak danych")]
    if figure:
        parts = [words.price(figure), words.when(figure.when), figure.old]
    text = clean(" · ".join(filter(None, parts)))
    left, right = (width_of(one) + 2 * PADDING for one in (label, text))
    way = rows.direction(figure.percent) if figure and not figure.old else "flat"
    return {
        "title": clean(title_of(instrument, words.sentence(figure) if figure else _("brak danych"))),
        "label": label,
        "text": text,
        "way": way,
        "width": left + right,
        "left": left,
        "right": right,
        "label_x": PADDING,
        "label_width": left - 2 * PADDING,
        "text_x": left + PADDING,
        "text_width": right - 2 * PADDING,
    }


def title_of(instrument: Instrument, said: str) -> str:
    return f"{instrument.name}: {said}"


def width_of(text: str) -> int:
    return round(sum(4.0 if one in NARROW else 9.5 if one in WIDE else USUAL for one in text))


def line_row(points: Sequence[Point]) -> Row:
    """The line, the area under it and the dot of its end; empty for fewer than two points."""
    drawn, _step = thinned(points, most=MOST_POINTS) if points else ([], 1)
    wide, high = WIDTH - 2 * RIM, HEIGHT - RIM
    line = sparkline.points([point.mid for point in drawn], wide, high)
    x, _comma, y = line.rpartition(" ")[2].partition(",")
    box = {"width": WIDTH, "height": HEIGHT, "box": f"{-RIM} {-RIM} {WIDTH} {HEIGHT}", "right": wide, "bottom": high}
    return box | {"points": line, "end_x": x, "end_y": y}
