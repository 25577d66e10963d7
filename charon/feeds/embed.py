"""A page for a frame on somebody else's page: the newest figure, its change, a line, its source, the way back."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from charon.feeds import figures, instruments, pictures, words
from charon.feeds.answers import public
from charon.feeds.atom import origin_of
from charon.feeds.questions import Asked
from charon.pages import listing, rows
from markets import formats
from markets.errors import QuestionError
from markets.models import Instrument
from markets.views import Row

# Anybody may frame it; it runs nothing, asks nobody and can send nothing.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"


def page(template: str, row: Row, status: int = 200) -> HttpResponse:
    content = render_to_string(template, row | {"lang": get_language(), "demo": settings.DEMO})
    return HttpResponse(content, status=status, headers={"Content-Security-Policy": POLICY})


def refusal(error: QuestionError) -> HttpResponse:
    return page("embed/refused.html", {"message": error.message, "theme": "auto"}, error.status)


@public("lang", "theme", "days", refuse=refusal)
def embed(request: HttpRequest, asked: Asked, code: str) -> HttpResponse:
    instrument = instruments.found(code)
    figure = figures.newest(instrument)
    shown = figure_row(figure, asked.days) if figure else {}
    return page("embed/embed.html", {
        "code": instrument.code,
        "name": instrument.name,
        "theme": asked.theme,
        "href": origin_of(request) + path_of(instrument),
        "figure": shown,
    })  # fmt: skip


def path_of(instrument: Instrument) -> str:
    return listing.page_of_instrument(instrument)


def figure_row(figure: figures.Figure, days: int) -> Row:
    series = figures.series(figure, days)
    way = rows.direction(figure.percent)
    return pictures.line_row(series.points) | {
        "unit": words.unit(figure.instrument),
        "price": words.price(figure),
        "percent": "" if figure.percent is None else formats.percent(figure.percent),
        "way": "flat" if figure.old else way,
        "arrow": rows.ARROWS[way],
        "when": words.when(figure.when),
        "iso": figure.when.isoformat(),
        "table": table_words(figure),
        "old": figure.old,
        "span_words": words.span(figure, series.points),
        "credits": list(dict.fromkeys(one.attribution or one.name for one in series.sources)),
    }


def table_words(figure: figures.Figure) -> str:
    """`Tabela nr 324/A/NBP/2026`; of the archive, which numbers nothing, its letter."""
    if number := figures.number_of(figure):
        return _("Tabela nr %s") % number
    return _("Tabela %s") % figure.table if figure.table in {"A", "B"} else ""
