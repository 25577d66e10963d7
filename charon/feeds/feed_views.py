"""The addresses of the Atom feeds."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from charon.feeds import alert_entries, atom, instruments, problem_entries, revision_entries, signal_entries
from charon.feeds.answers import public
from charon.feeds.questions import Asked
from charon.pages import listing
from markets.licence import Audience, shown_to
from markets.models import Instrument, Quote, Source


@public("lang")
def signals(request: HttpRequest, asked: Asked) -> HttpResponse:  # noqa: ARG001
    entries = signal_entries.entries()
    return atom.answer(request, _("Charon: sygnały"), reverse("signals"), entries, rights())


@public("lang")
def signals_of(request: HttpRequest, asked: Asked, code: str) -> HttpResponse:  # noqa: ARG001
    instrument = instruments.found(code)
    page = listing.page_of_instrument(instrument)
    title = _("Charon: sygnały %s") % instrument.code
    return atom.answer(request, title, page, signal_entries.entries(instrument), rights(instrument))


@public("lang")
def fired(request: HttpRequest, asked: Asked) -> HttpResponse:  # noqa: ARG001
    return atom.answer(request, _("Charon: alerty"), reverse("alerts"), alert_entries.entries(), rights())


@public("lang")
def revisions(request: HttpRequest, asked: Asked) -> HttpResponse:  # noqa: ARG001
    return atom.answer(request, _("Charon: korekty kursów"), "/", revision_entries.entries(), rights())


@public("lang")
def problems(request: HttpRequest, asked: Asked) -> HttpResponse:  # noqa: ARG001
    names = dict(Source.objects.values_list("code", "name"))
    entries = problem_entries.entries(names)
    return atom.answer(request, _("Charon: problemy"), reverse("status"), entries, "")


def rights(instrument: Instrument | None = None) -> str:
    """The attributions of all sources whose figures may be here, or of those that price the instrument; one query."""
    named = Source.objects.filter(shown_to(Audience.API, ""), ~Q(attribution=""), available=True)
    if instrument:
        named = named.filter(pk__in=Quote.objects.filter(instrument=instrument).values("source"))
    return " · ".join(dict.fromkeys(named.values_list("attribution", flat=True)))
