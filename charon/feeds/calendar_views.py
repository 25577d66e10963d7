"""The addresses of the calendars."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from charon.feeds import calendar_file, occasions
from charon.feeds.answers import public
from charon.feeds.questions import Asked
from markets.queries.calendars import POLAND


@public("lang")
def publications(request: HttpRequest, asked: Asked) -> HttpResponse:  # noqa: ARG001
    return calendar_file.answer(_("Publikacje kursów"), occasions.publications())


@public("lang")
def polish_holidays(request: HttpRequest, asked: Asked) -> HttpResponse:  # noqa: ARG001
    return calendar_file.answer(_("Dni wolne w Polsce"), occasions.free_days(POLAND))


@public("lang")
def target_holidays(request: HttpRequest, asked: Asked) -> HttpResponse:  # noqa: ARG001
    return calendar_file.answer(_("Dni wolne systemu TARGET (EBC)"), occasions.free_days(occasions.TARGET))
